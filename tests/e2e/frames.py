# SPDX-License-Identifier: Apache-2.0
"""Ethernet frames of UDP in IPv4 and IPv6, with or without a VLAN tag, written and judged octet by octet, and pcap files of them. Shares no code with the product."""
import dataclasses
import socket
import struct
import subprocess

PCAP_HEAD = struct.Struct("<IHHiIII")
PCAP_RECORD = struct.Struct("<IIII")
PCAP_MAGIC = 0xA1B2C3D4
ETHERNET = 1
FRAME_BYTES_MIN = 60

CLIENT_MAC = bytes.fromhex("02000000000a")
EDGE_MAC = bytes.fromhex("027063617000")


@dataclasses.dataclass(frozen=True)
class Datagram:
    """One UDP datagram with its addresses, as (text, port)."""
    payload: bytes
    source: tuple
    destination: tuple
    source_mac: bytes = CLIENT_MAC
    destination_mac: bytes = EDGE_MAC
    vlan: int = 0                     # 0: no tag


def ones_sum(octets):
    """The ones' complement sum of RFC 1071."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def is_v6(address):
    return ":" in address


def octets_of(address):
    return socket.inet_pton(socket.AF_INET6 if is_v6(address) else socket.AF_INET, address)


def text_of(octets):
    return socket.inet_ntop(socket.AF_INET6 if len(octets) == 16 else socket.AF_INET, octets)


def pseudo_header(source, destination, length, protocol=socket.IPPROTO_UDP):
    return source + destination + struct.pack("!BBH" if len(source) == 4 else "!xxHxxxB", *((0, protocol, length) if len(source) == 4 else (length, protocol)))


def udp_of(datagram):
    """The UDP header and payload, with a good checksum."""
    udp_bytes = 8 + len(datagram.payload)
    udp = struct.pack("!HHHH", datagram.source[1], datagram.destination[1], udp_bytes, 0)
    checksum = 0xFFFF ^ ones_sum(pseudo_header(octets_of(datagram.source[0]), octets_of(datagram.destination[0]), udp_bytes) + udp + datagram.payload)
    return udp[:6] + struct.pack("!H", checksum or 0xFFFF) + datagram.payload


def ipv4(source, destination, data, *, protocol=socket.IPPROTO_UDP, identification=0, fragment=0x4000):
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), identification, fragment, 64, protocol, 0) + octets_of(source) + octets_of(destination)
    return ip[:10] + struct.pack("!H", 0xFFFF ^ ones_sum(ip)) + ip[12:] + data


def ipv6(source, destination, data, *, next_header=socket.IPPROTO_UDP, hop_limit=64):
    return struct.pack("!IHBB", 0x60000000, len(data), next_header, hop_limit) + octets_of(source) + octets_of(destination) + data


def ethernet(packet, source_mac, destination_mac, vlan=0):
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return destination_mac + source_mac + (struct.pack("!HH", 0x8100, vlan) if vlan else b"") + kind + packet


def frame_of(datagram):
    """The frame of a datagram, with good checksums."""
    write = ipv6 if is_v6(datagram.source[0]) else ipv4
    packet = write(datagram.source[0], datagram.destination[0], udp_of(datagram))
    return ethernet(packet, datagram.source_mac, datagram.destination_mac, datagram.vlan)


def fragments_of(datagram, *cuts, identification=7):
    """The frames of a datagram cut at these octets behind its IP header, each a multiple of eight."""
    data = udp_of(datagram)
    frames = []
    for begin, end in zip((0, *cuts), (*cuts, len(data))):
        frames.append(fragment_of(datagram, begin, data[begin:end], more=end < len(data), identification=identification))
    return frames


def fragment_of(datagram, offset, part, *, more, identification=7):
    """One frame with a part of a datagram."""
    source, destination = datagram.source[0], datagram.destination[0]
    if is_v6(source):
        header = struct.pack("!BBHI", socket.IPPROTO_UDP, 0, offset | more, identification)
        packet = ipv6(source, destination, header + part, next_header=socket.IPPROTO_FRAGMENT)
    else:
        packet = ipv4(source, destination, part, identification=identification, fragment=offset // 8 | more << 13)
    return bytearray(ethernet(packet, datagram.source_mac, datagram.destination_mac, datagram.vlan))


@dataclasses.dataclass(frozen=True)
class Fragment:
    """A fragment read back: what it belongs to, and its part."""
    key: tuple
    offset: int
    more: bool
    part: bytes
    head: tuple     # source, destination, MACs, VLAN


def fragment_in(tagged):
    """The fragment in a frame; None for a frame of another kind."""
    frame, vlan = untagged(tagged)
    packet = frame[14:]
    macs = (frame[6:12], frame[0:6])
    if frame[12:14] == b"\x08\x00":
        total, identification, place = struct.unpack("!HHH", packet[2:8])
        if place & 0x3FFF == 0:
            return None
        assert ones_sum(packet[:20]) == 0xFFFF and total == len(packet) and place & 0xC000 == 0, "DF is off, the header's checksum right"
        head = (text_of(packet[12:16]), text_of(packet[16:20]), *macs, vlan)
        return Fragment((head, identification), (place & 0x1FFF) * 8, bool(place & 0x2000), packet[20:], head)
    if frame[12:14] == b"\x86\xdd" and packet[6] == socket.IPPROTO_FRAGMENT:
        assert struct.unpack("!H", packet[4:6])[0] == len(packet) - 40 and packet[40] == socket.IPPROTO_UDP
        place, identification = struct.unpack("!HI", packet[42:48])
        head = (text_of(packet[8:24]), text_of(packet[24:40]), *macs, vlan)
        return Fragment((head, identification), place & 0xFFF8, bool(place & 1), packet[48:], head)
    return None


def put_together(frames):
    """The datagrams whose fragments are among the frames, in the order of their first; every octet exactly once, and a good UDP checksum."""
    found = {}
    for fragment in filter(None, map(fragment_in, frames)):
        found.setdefault(fragment.key, []).append(fragment)
    return [whole_of(sorted(parts, key=lambda f: f.offset)) for parts in found.values()]


def whole_of(parts):
    data = b""
    for number, fragment in enumerate(parts):
        assert fragment.offset == len(data) and fragment.more == (number + 1 < len(parts)), parts
        data += fragment.part
    source, destination, source_mac, destination_mac, vlan = parts[0].head
    write = ipv6 if is_v6(source) else ipv4
    return datagram_of(ethernet(write(source, destination, data), source_mac, destination_mac, vlan))


def untagged(frame):
    """The frame without its tag, and the VLAN; 0 when it has none."""
    if frame[12:14] != b"\x81\x00":
        return frame, 0
    return frame[:12] + frame[16:], struct.unpack("!H", frame[14:16])[0] & 0xFFF


def datagram_of(tagged):
    """The datagram in a frame; every length and checksum on the way is asserted. None for a frame without UDP, or with a part of it."""
    frame, vlan = untagged(tagged)
    if len(frame) > 34 and fragment_in(tagged):
        return None
    if frame[12:14] not in (b"\x08\x00", b"\x86\xdd"):
        return None
    packet = frame[14:]
    if packet[0] >> 4 == 4:
        total, head, protocol = struct.unpack("!H", packet[2:4])[0], 20, packet[9]
        assert packet[0] == 0x45 and ones_sum(packet[:20]) == 0xFFFF, f"IPv4 header: {packet[:20].hex()}"
        source, destination = packet[12:16], packet[16:20]
    else:
        total, head, protocol = 40 + struct.unpack("!H", packet[4:6])[0], 40, packet[6]
        source, destination = packet[8:24], packet[24:40]
    padding = len(packet) - total
    assert padding == 0 or (padding > 0 and len(frame) <= FRAME_BYTES_MIN), f"frame of {len(frame)} octets, IP length {total}"
    if protocol != socket.IPPROTO_UDP:
        return None
    udp = packet[head:total]
    source_port, destination_port, udp_bytes = struct.unpack("!HHH", udp[:6])
    assert udp_bytes == len(udp), f"UDP length {udp_bytes} in {len(udp)} octets"
    assert udp[6:8] != b"\0\0", "UDP checksum left out"
    assert ones_sum(pseudo_header(source, destination, udp_bytes) + udp) == 0xFFFF, "UDP checksum"
    return Datagram(udp[8:], (text_of(source), source_port), (text_of(destination), destination_port), frame[6:12], frame[0:6], vlan)


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(PCAP_HEAD.pack(PCAP_MAGIC, 2, 4, 0, 0, 65535, ETHERNET))
        for number, frame in enumerate(frames):
            file.write(PCAP_RECORD.pack(number // 1_000_000, number % 1_000_000, len(frame), len(frame)) + frame)


def read_pcap(path):
    """The frames of a pcap file of this machine's octet order, each whole."""
    octets = path.read_bytes()
    assert struct.unpack("<I", octets[:4])[0] in (PCAP_MAGIC, 0xA1B23C4D), f"no pcap: {octets[:4].hex()}"
    frames, at = [], PCAP_HEAD.size
    while at < len(octets):
        _, _, captured, original = PCAP_RECORD.unpack_from(octets, at)
        at += PCAP_RECORD.size
        assert captured == original and at + captured <= len(octets), "a frame is cut off"
        frames.append(octets[at:at + captured])
        at += captured
    return frames


def tshark_objections(path):
    """What tshark finds wrong: lines for frames whose checksums are not good, or that it calls malformed."""
    fields = ["frame.number", "ip.checksum.status", "udp.checksum.status", "_ws.malformed"]
    arguments = [option for field in fields for option in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", path, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "--disable-protocol", "sip", "-Y", "udp", "-T", "fields", *arguments],
                          check=True, capture_output=True, text=True, timeout=120)
    # IPv6 has no checksum of its own, so its field is empty.
    return [line for line in done.stdout.splitlines() if line.split("\t")[1:] not in (["1", "1", ""], ["", "1", ""])]
