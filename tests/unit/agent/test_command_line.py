import pytest

from agent.command_line import LIMIT, masked


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["curl", "-s", "http://198.51.100.10/"], "curl -s http://198.51.100.10/"),
        (["curl", "-u", "ward:geheim", "x"], "curl -u ward:*** x"),
        (["curl", "http://ward:geheim@example.org/a"], "curl http://***@example.org/a"),
        (["curl", "https://h/a?x=1&token=geheim&y=2"], "curl https://h/a?x=1&token=***&y=2"),
        (["curl", "-H", "Authorization: Bearer geheim"], "curl -H Authorization: ***"),
        (["curl", "-H", "X-Api-Key: geheim"], "curl -H X-Api-Key: ***"),
        (["tool", "--password", "geheim", "go"], "tool --password *** go"),
        (["tool", "--password=geheim heim"], "tool --password=***"),
        (["tool", "--db-password=geheim"], "tool --db-password=***"),
        (["tool", "--api-key", "geheim"], "tool --api-key ***"),
        (["env", "PGPASSWORD=geheim", "psql"], "env PGPASSWORD=*** psql"),
        (["env", "AWS_SECRET_ACCESS_KEY=geheim"], "env AWS_SECRET_ACCESS_KEY=***"),
        (["mysql", "-uward", "-pgeheim"], "mysql -uward -p***"),
        (["/usr/bin/sshpass", "-p", "geheim", "ssh"], "/usr/bin/sshpass -p *** ssh"),
        (["redis-cli", "-a", "geheim"], "redis-cli -a ***"),
        (["xfreerdp", "/p:geheim", "/password:geheim"], "xfreerdp /p:*** /password:***"),
        (["sh", "-c", "token=geheim; curl x"], "sh -c token=***"),
        (["ssh", "-p", "2222", "host"], "ssh -p 2222 host"),
        (["nc", "-p", "80", "198.51.100.10"], "nc -p 80 198.51.100.10"),
        (["a\nb", "\x1b[0m"], "a b  [0m"),
        ([], ""),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_else(arguments, shown):
    assert masked(arguments) == shown


def test_a_long_command_line_is_cut_off():
    assert len(masked(["x" * 300])) == LIMIT


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["curl", "-T", "/home/li/病历/张三.docx", "ftp://198.51.100.10/"],
         "curl -T /home/li/***.docx ftp://198.51.100.10/"),
        (["curl", "-F", "f=@/media/li/KINGSTON/张 三.pdf"], "curl -F f=@/media/li/***.pdf"),
        (["wps", "~/张三 出院小结.wps"], "wps ~/***.wps"),
        (["scp", "/home/li/zhangsan", "x@198.51.100.10:"], "scp /home/li/*** x@198.51.100.10:"),
        (["scp", "张三.csv", "x@198.51.100.10:"], "scp ***.csv x@198.51.100.10:"),
        (["sh", "-c", "curl -T '/home/li/a b' http://198.51.100.10/x.zip"],
         "sh -c curl -T '/home/li/***' http://198.51.100.10/x.zip"),
        (["sh", "-c", "curl -T /tmp/zhang.tgz http://198.51.100.10/"],
         "sh -c curl -T /tmp/*** http://198.51.100.10/"),
        (["/home/li/bin/tool", "example.org", "10.1.2.3"], "/home/li/bin/tool example.org 10.1.2.3"),
        (["python3", "/opt/his/client.py", "-c", "/etc/his.conf"],
         "python3 /opt/his/client.py -c /etc/his.conf"),
    ],
)  # fmt: skip
def test_names_of_people_s_files_stay_where_they_are(arguments, shown):
    assert masked(arguments, file_names=False) == shown
    assert masked(arguments) == " ".join(arguments)
