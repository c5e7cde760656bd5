# SPDX-License-Identifier: Apache-2.0
"""Ethernet frames of IPv4/UDP, written and judged octet by octet, and pcap files of them. Shares no code with the product."""
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


def ones_sum(octets):
    """The ones' complement sum of RFC 1071."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def pseudo_header(source, destination, udp_bytes):
    return source + destination + struct.pack("!BBH", 0, socket.IPPROTO_UDP, udp_bytes)


def frame_of(datagram):
    """The frame of a datagram, with good checksums."""
    source, destination = socket.inet_aton(datagram.source[0]), socket.inet_aton(datagram.destination[0])
    udp_bytes = 8 + len(datagram.payload)
    udp = struct.pack("!HHHH", datagram.source[1], datagram.destination[1], udp_bytes, 0)
    checksum = 0xFFFF ^ ones_sum(pseudo_header(source, destination, udp_bytes) + udp + datagram.payload)
    udp = udp[:6] + struct.pack("!H", checksum or 0xFFFF)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + udp_bytes, 0, 0x4000, 64, socket.IPPROTO_UDP, 0) + source + destination
    ip = ip[:10] + struct.pack("!H", 0xFFFF ^ ones_sum(ip)) + ip[12:]
    return datagram.destination_mac + datagram.source_mac + b"\x08\x00" + ip + udp + datagram.payload


def datagram_of(frame):
    """The datagram in a frame; every length and checksum on the way is asserted. None for a frame of another kind than IPv4."""
    if frame[12:14] != b"\x08\x00":
        return None
    ip, udp = frame[14:34], frame[34:42]
    assert ip[0] == 0x45, f"IPv4 header with options or of another version: {ip.hex()}"
    total, udp_bytes = struct.unpack("!H", ip[2:4])[0], struct.unpack("!H", udp[4:6])[0]
    padding = len(frame) - 14 - total
    assert padding == 0 or (padding > 0 and len(frame) <= FRAME_BYTES_MIN), f"frame of {len(frame)} octets, IPv4 length {total}"
    assert ones_sum(ip) == 0xFFFF, f"IPv4 header checksum: {ip.hex()}"
    if ip[9] != socket.IPPROTO_UDP:
        return None
    assert udp_bytes == total - 20, f"UDP length {udp_bytes} in IPv4 length {total}"
    payload = frame[42:14 + total]
    assert udp[6:8] != b"\0\0", "UDP checksum left out"
    assert ones_sum(pseudo_header(ip[12:16], ip[16:20], udp_bytes) + udp + payload) == 0xFFFF, "UDP checksum"
    source_port, destination_port = struct.unpack("!HH", udp[:4])
    return Datagram(payload, (socket.inet_ntoa(ip[12:16]), source_port), (socket.inet_ntoa(ip[16:20]), destination_port), frame[6:12], frame[0:6])


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
    return [line for line in done.stdout.splitlines() if line.split("\t")[1:3] != ["1", "1"] or line.split("\t")[3:] != [""]]
