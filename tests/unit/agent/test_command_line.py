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
