"""Writes the fixtures of `versions.rs`: a Delta table by the package `deltalake`, a repository by DVC.

    pip install deltalake==1.6.6 dvc==3.67.1 pyarrow
    python make.py

`delta/` (ts, x; ten rows a file): version 0 and 1 append, 2 overwrites both, 3 appends, a checkpoint at 3, 4 appends.
`partitioned/` has the partition column `symbol` with values that are escaped in the log, and a vacuumed past.
`dvc/` tracks `data` (two CSV files in folders, one of them changed in the working tree since) and `one.csv` (not in the working tree),
and `made` by a stage with a folder of its own in dvc.lock.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

HERE = pathlib.Path(__file__).resolve().parent
START = 1_750_000_000_000_000_000


def rows(first, n=10):
    ts = [START + i * 1_000_000_000 for i in range(first, first + n)]
    return pa.table({"ts": pa.array(ts, pa.int64()), "x": pa.array([float(i % 7) for i in range(first, first + n)])})


def delta():
    table = str(HERE / "delta")
    for mode, first in [("append", 0), ("append", 10), ("overwrite", 100), ("append", 110)]:
        write_deltalake(table, rows(first), mode=mode)
    DeltaTable(table).create_checkpoint()
    write_deltalake(table, rows(120), mode="append")
    return table


def partitioned():
    table = str(HERE / "partitioned")
    for first, symbol in [(0, "BTC/USDT 1"), (10, "ETH")]:
        data = rows(first).append_column("symbol", pa.array([symbol] * 10))
        write_deltalake(table, data, mode="append", partition_by=["symbol"])
    both = pa.array(["ETH", "BTC/USDT 1"] * 5)
    write_deltalake(table, rows(20).append_column("symbol", both), mode="overwrite")
    DeltaTable(table).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    # Folders without files do not survive in Git.
    for folder in (HERE / "partitioned").iterdir():
        if folder.name != "_delta_log" and not any(folder.iterdir()):
            folder.rmdir()


def csv(first, n=10):
    return "ts,x\n" + "".join(f"{START + i * 1_000_000_000},{i % 7}\n" for i in range(first, first + n))


def dvc():
    repository = HERE / "dvc"
    (repository / "data" / "day 1").mkdir(parents=True)
    (repository / "data" / "day 1" / "a.csv").write_text(csv(0))
    (repository / "data" / "b.csv").write_text(csv(10))
    (repository / "one.csv").write_text(csv(20))
    (repository / "work").mkdir()
    (repository / "dvc.yaml").write_text(
        "stages:\n  make:\n    wdir: work\n    cmd: mkdir -p made && cp ../one.csv made/c.csv\n    deps: [../one.csv]\n    outs: [made]\n"
    )

    def run(*words):
        env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
        command = [sys.executable, "-m", "dvc", *words]
        subprocess.run(command, cwd=repository, check=True, env=env, stdout=subprocess.DEVNULL)

    run("init", "--no-scm", "-q")
    run("add", "-q", "data", "one.csv")
    run("repro", "-q")
    # The working tree moves on.
    (repository / "data" / "b.csv").chmod(0o644)
    (repository / "data" / "b.csv").unlink()
    (repository / "data" / "b.csv").write_text(csv(10) + "1,2\n")
    (repository / "one.csv").unlink()
    shutil.rmtree(repository / ".dvc" / "tmp")
    shutil.rmtree(repository / ".dvc" / "cache" / "runs", ignore_errors=True)


for name in ["delta", "partitioned", "dvc"]:
    shutil.rmtree(HERE / name, ignore_errors=True)
delta()
partitioned()
dvc()
