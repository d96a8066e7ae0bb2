"""Starts the window on a display of its own and measures it from outside."""

import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BINARY, RUNS = sys.argv[1], int(sys.argv[2])
IDLE_SECONDS = 30
TICK = os.sysconf("SC_CLK_TCK")


def start(folder, display, *options):
    environment = dict(os.environ, DISPLAY=display, LIBGL_ALWAYS_SOFTWARE="1", WINIT_UNIX_BACKEND="x11")
    environment.pop("WAYLAND_DISPLAY", None)
    command = [BINARY, "--sandbox", "--sandbox-commits-per-second", "0", "--data-dir", str(folder), *options]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def drawn(screen):
    """Whether anything is on the screen, which is black before."""
    with open(screen, "rb") as file:
        file.seek(file.seek(0, os.SEEK_END) // 2)
        return any(file.read(16_384))


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ticks(process):
    """Ticks of each thread, by its name."""
    found = {}
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            fields = (task / "stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        found[name] = found.get(name, 0) + int(fields[11]) + int(fields[12])
    return found


def first_frame(folder, display, screen):
    begun = time.monotonic()
    process = start(folder, display)
    while not drawn(screen):
        if process.poll() is not None or time.monotonic() - begun > 60:
            raise SystemExit("The window did not open.")
        time.sleep(0.002)
    return process, time.monotonic() - begun


def main():
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1440x900x24", "-fbdir", str(place), "-nolisten", "tcp"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        display = f":{server.stdout.readline().strip()}"
        screen = place / "Xvfb_screen0"
        try:
            # The first start makes the sandbox; later ones find it, as a person's do.
            process, seeded = first_frame(place / "data", display, screen)
            stop(process)
            times = []
            for _ in range(RUNS):
                while drawn(screen):
                    time.sleep(0.01)
                process, seconds = first_frame(place / "data", display, screen)
                times.append(seconds)
                if len(times) < RUNS:
                    stop(process)
            median = statistics.median(times)
            print(json.dumps({"bench": "console", "part": "start", "runs": RUNS, "new_sandbox_s": round(seeded, 3),
                              "first_frame_s": round(median, 3), "most_s": round(max(times), 3), "aim_met": median <= 0.5}))
            time.sleep(5)
            before = ticks(process)
            time.sleep(IDLE_SECONDS)
            used = {name: count - before.get(name, 0) for name, count in ticks(process).items()}
            runtime = sum(count for name, count in used.items() if name.startswith("runtime") or name == "tokio-rt-worker")
            share = (sum(used.values()) - runtime) / TICK / IDLE_SECONDS * 100
            print(json.dumps({"bench": "console", "part": "idle", "seconds": IDLE_SECONDS,
                              "percent_of_a_core_beyond_the_runtime": round(share, 2),
                              "percent_of_the_runtime": round(runtime / TICK / IDLE_SECONDS * 100, 2), "aim_met": share < 0.5}))
            stop(process)
        finally:
            server.terminate()
            server.wait()


main()
