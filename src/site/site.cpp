// SPDX-License-Identifier: Apache-2.0
// What the snapshot derives from its texts; it is built by the control core.
#include "viaduct/site/site.h"

#include <utility>

#include "viaduct/sip/reply.h"

namespace viaduct::site {

void Site::set_server_header(std::string line) {
  server_header = std::move(line);
  redirect_end = ">\r\n" + server_header + std::string(sip::reply_end);
}

}  // namespace viaduct::site
