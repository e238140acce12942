#!/bin/bash
# Inside fresh mount, process and network namespaces: a host with sshd on loopback, `ray up`, trading, `ray down`.
# Nothing outside can be seen or harmed: `ray stop` reaches only the processes of this namespace.
# usage: up_and_down.sh PROJECT HOME ; writes HOME/result.json
set -eux
project=$1
home=$2
ip link set lo up
mkdir -p "$home/.ssh" /run/sshd /tmp/ray
mount -t tmpfs tmpfs /tmp/ray
# The kernels set-up compiled belong to the environment below: what the new home compiles anew is a minute of the test.
mkdir -p "$home/.cache"
ln -s "${XDG_CACHE_HOME:-$HOME/.cache}/portfolio_mm" "$home/.cache/portfolio_mm"
# The account's home, only for this namespace.
sed "s#^root:\(.*\):/root:#root:\1:$home:#" /etc/passwd >"$home/passwd"
mount --bind "$home/passwd" /etc/passwd
export HOME=$home
unset XDG_CACHE_HOME

ssh-keygen -q -t ed25519 -N '' -f "$home/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$home/id"
cp "$home/id.pub" "$home/.ssh/authorized_keys"
chmod 700 "$home/.ssh"
chmod 600 "$home/.ssh/authorized_keys"
/usr/sbin/sshd -f /dev/null -o ListenAddress=127.0.0.1 -o HostKey="$home/host_key" -o StrictModes=no -E "$home/sshd.log"
on_head() { ssh -i "$home/id" -o StrictHostKeyChecking=no -o LogLevel=ERROR root@127.0.0.1 "bash -lc '$1'"; }

cd "$project"
# The file people use, with this host in it, and the environment that is already installed instead of a second download.
.venv/bin/python - "$home" "$project" <<'PY'
import sys, yaml
home, project = sys.argv[1:]
config = yaml.safe_load(open("cluster/onprem.yaml"))
config["provider"]["head_ip"] = "127.0.0.1"
config["auth"] = {"ssh_user": "root", "ssh_private_key": f"{home}/id"}
config["setup_commands"][0] = f"ln -sfn {project}/.venv ~/portfolio_mm/.venv"
yaml.safe_dump(config, open(f"{home}/cluster.yaml", "w"))
PY
export RAY_AUTH_MODE=token
PATH=$project/.venv/bin:$PATH
ray up -y --no-config-cache "$home/cluster.yaml"

# The venue runs apart from the run it serves, so that it can be asked afterwards.
python -m portfolio_mm.venue --port 3100 --seed 5 --coins BTC,ETH --admin >"$home/venue.json" 2>"$home/venue.log" &
until [ -s "$home/venue.json" ]; do sleep 0.2; done
python - "$home" <<'PY'
import json, os, sys, yaml
home = sys.argv[1]
venue = json.loads(open(f"{home}/venue.json").readline())
account = venue["accounts"][0]
paths = {}
for name in ("agent", "watchdog"):
    paths[name] = f"{home}/{name}.key"
    with open(os.open(paths[name], os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write(account[name]["key"])
config = {
    "account": {"address": account["address"], "key_path": paths["agent"], "watchdog_key_path": paths["watchdog"]},
    "venue": {"url": venue["url"], "ws_url": venue["ws"], "mainnet": False},
    "coins": {"names": ["BTC", "ETH"]},
    "storage": {"folder": f"{home}/state"},
}
yaml.safe_dump(config, open(f"{home}/trade.yaml", "w"))
PY
on_head "portfolio-mm start --detach --config $home/trade.yaml"
on_head "portfolio-mm status --json --config $home/trade.yaml" >"$home/status.json"
on_head "ray list actors --format json --filter state=ALIVE" >"$home/actors.json"
ray down -y "$home/cluster.yaml"
# The watchdog's turn: nobody else is left to cancel.
python - "$home" <<'PY'
import json, sys, time, urllib.request
home = sys.argv[1]
venue = json.loads(open(f"{home}/venue.json").readline())
ask = json.dumps({"type": "openOrders", "user": venue["accounts"][0]["address"]}).encode()
deadline, left = time.monotonic() + 30, None
while left != [] and time.monotonic() < deadline:
    request = urllib.request.Request(venue["url"] + "/info", ask, {"Content-Type": "application/json"})
    left = json.load(urllib.request.urlopen(request))
    time.sleep(0.5)
actors = [(row["name"], row["state"]) for row in json.load(open(f"{home}/actors.json"))]
status = json.load(open(f"{home}/status.json"))
json.dump({"left": left, "actors": actors, "status": status}, open(f"{home}/result.json", "w"))
PY
