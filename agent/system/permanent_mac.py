"""The address that a network card was made with, whatever it was told to use since.

ETHTOOL_GPERMADDR, linux/ethtool.h; the request travels in struct ifreq, man 7 netdevice.
"""

import ctypes
import fcntl
import socket
import struct

_SIOCETHTOOL, _GPERMADDR = 0x8946, 0x20
_ANSWER = struct.Struct("=II6s")  # struct ethtool_perm_addr with room for Ethernet
_NAME_LIMIT = 15


def permanent_mac(interface: str) -> str:
    """Empty for a link that has none (virtual ones), or that is gone."""
    name = interface.encode()
    if len(name) > _NAME_LIMIT:
        return ""
    answer = ctypes.create_string_buffer(_ANSWER.pack(_GPERMADDR, 6, bytes(6)), _ANSWER.size)
    request = struct.pack("=16sQ16x", name, ctypes.addressof(answer))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asked:
        try:
            fcntl.ioctl(asked, _SIOCETHTOOL, request)
        except OSError:
            return ""
    _, length, octets = _ANSWER.unpack(answer.raw)
    return octets.hex(":") if length == len(octets) and any(octets) else ""
