import pytest

from agent.system.process_watch import Running
from agent.tools import ToolTable
from checks.policy import parse_policy

TABLE = ToolTable(parse_policy("").remote_tools.known)


def running(*arguments, executable="", name=""):
    return Running(pid=5, name=name or executable[-15:], executable=executable, arguments=arguments)


def tool(process, module=""):
    known = TABLE.tool_of(process, module)
    return (known.tool, known.purpose) if known else None


@pytest.mark.parametrize(
    ("process", "found"),
    [
        (running("/opt/todesk/bin/ToDesk_Service", executable="/opt/todesk/bin/ToDesk_Service"),
         ("ToDesk", "remote_control")),
        (running("/usr/local/sunlogin/bin/sunloginclient", "-m", "service",
                 executable="/usr/local/sunlogin/bin/sunloginclient"),
         ("Sunlogin 向日葵", "remote_control")),
        (running("/usr/bin/anydesk", "--service", executable="/usr/bin/anydesk"),
         ("AnyDesk", "remote_control")),
        (running("./x", "-c", "frpc.ini", executable="/tmp/x", name="frpc"),
         ("frp", "reverse_tunnel")),
        (running("frpc", executable="/tmp/update"), ("frp", "reverse_tunnel")),
        (running("ssh", "-R", "8080:localhost:80", "me@host", executable="/usr/bin/ssh"),
         ("ssh forwarding", "reverse_tunnel")),
        (running("ssh", "-fNR8080:localhost:80", "me@host", executable="/usr/bin/ssh"),
         ("ssh forwarding", "reverse_tunnel")),
        (running("ssh", "-o", "RemoteForward 80 localhost:80", "h", executable="/usr/bin/ssh"),
         ("ssh forwarding", "reverse_tunnel")),
        (running("ssh", "-oDynamicForward=1080", "h", executable="/usr/bin/ssh"),
         ("ssh forwarding", "reverse_tunnel")),
        (running("ssh", "me@host", executable="/usr/bin/ssh"), None),
        (running("ssh", "-p", "22", "-i", "Reserve", "me@host", executable="/usr/bin/ssh"), None),
        (running("ssh", "-L", "8080:localhost:80", "me@host", executable="/usr/bin/ssh"), None),
        (running("sshd: /usr/sbin/sshd -D", executable="/usr/sbin/sshd", name="sshd"), None),
        (running("python3", "/usr/bin/websockify", "6080", executable="/usr/bin/python3.11"),
         ("VNC in a browser", "remote_control")),
        (running("vim", "frpc", executable="/usr/bin/vim"), None),
        (running("gnome-remote-desktop-daemon", executable="/usr/libexec/x",
                 name="gnome-remote-de"), ("GNOME remote desktop", "remote_control")),
        (running(r"C:\Program Files\TeamViewer\TeamViewer.exe", executable="/usr/bin/wine64"),
         ("TeamViewer", "remote_control")),
        (running("tailscaled", executable="/usr/sbin/tailscaled"), ("Tailscale", "vpn")),
        (running("-bash", executable="/usr/bin/bash"), None),
    ],
    ids=lambda value: " ".join(value.arguments) if isinstance(value, Running) else "",
)  # fmt: skip
def test_which_programs_are_known(process, found):
    assert tool(process) == found


def test_a_go_program_is_known_whatever_it_is_called():
    process = running("/usr/bin/update", executable="/usr/bin/update")

    assert tool(process, "github.com/fatedier/frp/cmd/frpc") == ("frp", "reverse_tunnel")
    assert tool(process, "github.com/example/other") is None


def test_what_the_hospital_says_of_a_known_tool_counts():
    own = '[[remote_tools.known]]\ntool = "frp"\npurpose = "vpn"\nprograms = ["only-this"]\n'
    table = ToolTable(parse_policy(own).remote_tools.known)

    assert table.tool_of(running("frpc", executable="/tmp/frpc"), "") is None
    known = table.tool_of(running("only-this", executable="/tmp/only-this"), "")
    assert known is not None
    assert known.purpose == "vpn"
