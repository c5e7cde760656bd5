// SPDX-License-Identifier: Apache-2.0
// How a DPDK profile and a site's [dpdk] table become EAL arguments and port settings; and that every shipped profile reads.
#include <gtest/gtest.h>

#include "sample.h"

namespace viaduct::config::test {
namespace {

Dpdk loaded(std::string_view config, std::string_view profile = sample_profile) {
  const Folder folder;
  auto result = load_text(folder, config, profile);
  if (!result) throw std::runtime_error(result.error().text);
  return result->dpdk;
}

using Arguments = std::vector<std::string>;

TEST(Profile, PutsItsParametersIntoTheArguments) {
  const auto dpdk = loaded(edited(sample_config, "# node", "workers = 3"));
  EXPECT_EQ(dpdk.eal_arguments, (Arguments{"--vdev=net_wire0,iface=eth1,qpairs=3", "--no-huge", "-m", "256"}));
  EXPECT_EQ(dpdk.rx_queues_max, 3);
}

TEST(Profile, TakesTheOtherMemoryArgumentsWithHugepages) {
  const auto dpdk = loaded(edited(sample_config, "# dpdk", "hugepages = true\nmemory_mb = 1024"));
  EXPECT_EQ(dpdk.eal_arguments, (Arguments{"--vdev=net_wire0,iface=eth1,qpairs=1", "--socket-mem=1024"}));
}

TEST(Profile, CountsTheFilesOfItsParametersFromTheConfigurationsFolder) {
  const Folder folder;
  const auto config = load_text(folder, edited(sample_config, "# dpdk", "rx_pcap = \"a/b.pcap\""),
                                edited(sample_profile, "iface={interface}", "rx_pcap={rx_pcap},iface={interface}"));
  ASSERT_TRUE(config.has_value()) << config.error().text;
  EXPECT_EQ(config->dpdk.eal_arguments[0], "--vdev=net_wire0,rx_pcap=" + (folder.path() / "a/b.pcap").string() + ",iface=eth1,qpairs=1");
}

TEST(Profile, ProposesThePortsSettings) {
  const auto dpdk = loaded(sample_config);
  EXPECT_EQ(dpdk.profile, "wire");
  EXPECT_EQ(dpdk.rx_descriptors, 512);
  EXPECT_EQ(dpdk.tx_descriptors, 256);
  EXPECT_EQ(dpdk.buffers_count, 8191U);
  EXPECT_EQ(dpdk.large_buffers_count, 255U);
  EXPECT_TRUE(dpdk.checksum_offload);
  EXPECT_TRUE(dpdk.ignore_udp_checksum);
  EXPECT_FALSE(dpdk.control_queue);
  EXPECT_EQ(dpdk.idle_default, Idle::poll);
}

TEST(Profile, GivesWayToTheSitesSettings) {
  const auto dpdk = loaded(edited(sample_config, "# dpdk",
                                  "rx_descriptors = 2048\ntx_descriptors = 4096\nbuffers = 16383\nlarge_buffers = 511\n"
                                  "checksum_offload = false\nignore_udp_checksum = false"));
  EXPECT_EQ(dpdk.rx_descriptors, 2048);
  EXPECT_EQ(dpdk.tx_descriptors, 4096);
  EXPECT_EQ(dpdk.buffers_count, 16383U);
  EXPECT_EQ(dpdk.large_buffers_count, 511U);
  EXPECT_FALSE(dpdk.checksum_offload);
  EXPECT_FALSE(dpdk.ignore_udp_checksum);
}

TEST(Profile, ProposesHowToIdleAndTheNodeDecides) {
  const Folder folder;
  EXPECT_EQ(load_text(folder, sample_config)->idle, Idle::poll);
  EXPECT_EQ(load_text(folder, edited(sample_config, "# node", "idle = \"adaptive\""))->idle, Idle::adaptive);
}

TEST(Profile, MayHaveAFixedNumberOfQueues) { EXPECT_EQ(loaded(sample_config, edited(sample_profile, "\"workers\"", "1")).rx_queues_max, 1); }

TEST(Profile, IsFoundByPathFromTheConfigurationsFolder) {
  const Folder folder;
  EXPECT_TRUE(load_text(folder, edited(sample_config, "\"wire\"", "\"./wire.toml\"")).has_value());
}

TEST(Profile, IsFoundInTheFirstFolderThatHasIt) {
  const Folder first;
  const Folder second;
  first.write("wire.toml", edited(sample_profile, "512", "128"));
  second.write("wire.toml", sample_profile);
  const auto file = first.write("node.conf", sample_config);
  EXPECT_EQ(load(file, {first.path() / "none", first.path(), second.path()})->dpdk.rx_descriptors, 128);
  EXPECT_EQ(load(file, {second.path(), first.path()})->dpdk.rx_descriptors, 512);
}

struct Fault {
  std::string_view piece, by, message;
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.message; }
class FaultyProfile : public testing::TestWithParam<Fault> {};
TEST_P(FaultyProfile, IsRefusedWithItsOwnFileAndLine) {
  const Folder folder;
  const auto config = load_text(folder, sample_config, edited(sample_profile, GetParam().piece, GetParam().by));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "wire.toml").string() + ':' + std::string{GetParam().message});
}
const Fault faults[] = {
    {"{workers}", "{queues}", "2: eal[0]: {queues} stands for nothing; allowed: {workers}, {port}, {interface}, {memory_mb} or {rx_pcap}"},
    {"{workers}", "{workers", "2: eal[0]: {workers} stands for nothing; allowed: {workers}, {port}, {interface}, {memory_mb} or {rx_pcap}"},
    {"\"workers\"", "65", "5: rx_queues_max: \"65\" is no number of queues; allowed: 1 to 64, or \"workers\""},
    {"\"workers\"", "\"many\"", "5: rx_queues_max: \"many\" is no number of queues; allowed: 1 to 64, or \"workers\""},
    {"\"poll\"", "\"doze\"", "13: idle: \"doze\" is not known; allowed: \"adaptive\" or \"poll\""},
    {"buffers = 8191", "bufers = 8191",
     "9: bufers: unknown key, did you mean buffers?; allowed: device, eal, memory, memory_huge, rx_queues_max, control_queue, rx_descriptors, tx_descriptors, "
     "buffers, "
     "large_buffers, checksum_offload, ignore_udp_checksum, pretend_checksum_offload, idle, parameters"},
    {"\"256\"", "256", "14: parameters.memory_mb: is an integer; allowed: a string: the default, empty when there is none"},
};
INSTANTIATE_TEST_SUITE_P(Profile, FaultyProfile, testing::ValuesIn(faults));

/// A value that every parameter of the shipped profiles accepts, by its name.
std::string some_value(std::string_view parameter) { return parameter.ends_with("_mb") ? "128" : "value"; }

TEST(Profile, OfEachKindThatIsShippedReadsWhenItsParametersAreGiven) {
  const std::filesystem::path shipped = std::filesystem::path{VIADUCT_SOURCE_ROOT} / "dpdk-config";
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{shipped}) {
    if (entry.path().extension() != ".toml") continue;
    ++count;
    const Folder folder;
    std::string config = edited(sample_config, "\"wire\"\ninterface = \"eth1\"", '"' + entry.path().stem().string() + '"');
    auto result = load(folder.write("node.conf", config), {shipped});
    // Each refusal names one parameter without a default: give it, until none is missing.
    for (std::size_t i = 0; i < 16 && !result && result.error().text.contains(" needs it"); ++i) {
      const auto start = result.error().text.find(": dpdk.") + 7;
      const auto name = result.error().text.substr(start, result.error().text.find(':', start) - start);
      config = edited(config, "# dpdk", name + " = \"" + some_value(name) + "\"\n# dpdk");
      result = load(folder.write("node.conf", config), {shipped});
    }
    EXPECT_TRUE(result.has_value()) << result.error().text;
  }
  EXPECT_GE(count, 5U);
}

}  // namespace
}  // namespace viaduct::config::test
