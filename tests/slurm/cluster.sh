#!/usr/bin/env bash
# A real SLURM cluster of one node on this machine: for tests, as root, without systemd, cgroups or accounting.
#   cluster.sh start ROOT    prints the variables that clients need
#   cluster.sh restart ROOT  stops the controller and starts it from its saved state
#   cluster.sh stop ROOT
# A job that is started again waits for the life of its credential: 120 s by default, 5 s here.
# Two GPUs are declared, which are none: SLURM tells jobs which they may use.
# Partitions: main, whose jobs are preempted after 10 s of grace and started again, and high, which preempts them.
set -euo pipefail
command=$1 root=$2
host=$(hostname -s)
conf=$root/etc/slurm.conf
export SLURM_CONF=$conf

write_configuration() {
  cat > "$conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${CONTROLLER_PORT:-26817}
SlurmdPort=${NODE_PORT:-26818}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$root/run/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmctldPidFile=$root/run/slurmctld.pid
SlurmdPidFile=$root/run/slurmd.pid
SlurmctldLogFile=$root/log/slurmctld.log
SlurmdLogFile=$root/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
MpiDefault=none
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
EnforcePartLimits=ALL
JobRequeue=1
KillWait=5
MinJobAge=600
MaxArraySize=${MAX_ARRAY_SIZE:-1001}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=$host NodeAddr=127.0.0.1 CPUs=${CPUS:-4} Boards=1 SocketsPerBoard=1 CoresPerSocket=${CPUS:-4} ThreadsPerCore=1 RealMemory=4000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
PartitionName=high Nodes=$host MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
CONF
  cat > "$root/etc/gres.conf" <<CONF
AutoDetect=off
NodeName=$host Name=gpu File=/dev/null
NodeName=$host Name=gpu File=/dev/zero
CONF
}

end() { # NAME: end the daemon of that name by its pid file, and wait until it has
  local pid
  pid=$(cat "$root/run/$1.pid" 2>/dev/null) && kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -KILL "$pid" || true
}

wait_until_up() {
  for _ in $(seq 120); do
    case $(timeout 2 sinfo --noheader --format=%T 2>/dev/null | head -1) in idle*|mixed*|allocated*) return 0;; esac
    sleep 0.25
  done
  tail -n 20 "$root"/log/*.log >&2
  return 1
}

case $command in
  start)
    mkdir -p "$root"/{etc,state,spool,log,run,munge}
    chmod 0711 "$root"; chmod 0700 "$root/munge"; chmod 0755 "$root/run"
    [ -f "$root/munge/key" ] || (umask 377; head -c 1024 /dev/urandom > "$root/munge/key")
    munged --force --key-file="$root/munge/key" --socket="$root/run/munge.socket" --pid-file="$root/run/munged.pid" \
      --log-file="$root/munge/log" --seed-file="$root/munge/seed"
    write_configuration
    slurmctld -c -f "$conf"
    slurmd -f "$conf" -N "$host"
    wait_until_up
    echo "SLURM_CONF=$conf"
    ;;
  restart)
    end slurmctld
    sleep "${DOWN_S:-2}"
    slurmctld -f "$conf"
    wait_until_up
    ;;
  stop)
    scancel --quiet --user="$(id -un)" 2>/dev/null || true
    for daemon in slurmd slurmctld munged; do end $daemon; done
    ;;
esac
