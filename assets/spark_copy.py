"""Copies the files of one job with Spark; the Resilience Console submits it.

Its one argument is the job's folder, which only its owner can open:

    job.json       where each table lies, with short-lived credentials; removed as soon as it is read
    files.jsonl    a line a file: table, path, size, and whether the target may hold it already
    results.jsonl  written here, a line a file: its outcome, size and sha256
    alive          touched by the console; a job whose console is gone ends by itself

A file becomes visible whole or not at all. Commits, checkpoints and positions are no business of this program.
"""

import hashlib
import json
import os
import stat
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

CHUNK = 8 << 20
# The console touches its file every second.
GONE_AFTER = 60


class Folder:
    """A table on a disk that every executor sees at the same path."""

    def __init__(self, root):
        self.root = root

    def _at(self, path):
        return os.path.join(self.root, *path.split("/"))

    def size(self, path):
        try:
            found = os.stat(self._at(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def chunks(self, path):
        # A pipe in a table's folder must not be waited for.
        fd = os.open(self._at(path), os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError("it is not a file")
            while chunk := file.read(CHUNK):
                yield chunk

    def modified(self, path):
        return os.stat(self._at(path)).st_mtime_ns

    def write(self, path, size, chunks, modified):
        at = self._at(path)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        # The name that the console gives to a file under way, so that it clears what a killed job leaves.
        name = uuid.uuid5(uuid.NAMESPACE_OID, os.path.basename(at))
        staged = os.path.join(os.path.dirname(at), f".{name}.resilience")
        try:
            os.unlink(staged)
        except FileNotFoundError:
            pass
        try:
            with open(staged, "xb") as file:
                for chunk in chunks:
                    file.write(chunk)
            if modified is not None:
                os.utime(staged, ns=(modified, modified))
            os.rename(staged, at)
        except BaseException:
            try:
                os.unlink(staged)
            except FileNotFoundError:
                pass
            raise


class Store:
    """A table in an object store."""

    def __init__(self, place):
        import obstore
        from obstore.store import from_url

        self.obstore = obstore
        self.prefix = place["prefix"].strip("/")
        self.store = from_url(place["url"], config=place["options"], client_options=place["client_options"])

    def _at(self, path):
        return f"{self.prefix}/{path}" if self.prefix else path

    def size(self, path):
        try:
            return self.obstore.head(self.store, self._at(path))["size"]
        except FileNotFoundError:
            return None

    def chunks(self, path):
        for chunk in self.obstore.get(self.store, self._at(path)).stream(min_chunk_size=CHUNK):
            yield memoryview(chunk)

    def modified(self, path):
        return None

    def write(self, path, size, chunks, modified):
        # Not closed after an error: what was written then never becomes an object.
        writer = self.obstore.open_writer(self.store, self._at(path), buffer_size=CHUNK)
        for chunk in chunks:
            writer.write(bytes(chunk))
        writer.close()


class Copier:
    """What one task works with: its places, opened once, and its share of the bandwidth."""

    def __init__(self, job):
        self.job = job
        self.places = {}
        self.lock = threading.Lock()
        self.paid_until = time.monotonic()

    def place(self, table, end):
        with self.lock:
            key = (table, end)
            if key not in self.places:
                place = self.job["tables"][table][end]
                self.places[key] = Folder(place["root"]) if "root" in place else Store(place)
            return self.places[key]

    def paced(self, chunks):
        rate = self.job["bytes_per_second"]
        for chunk in chunks:
            if rate:
                with self.lock:
                    now = time.monotonic()
                    self.paid_until = max(self.paid_until, now - 0.25) + len(chunk) / rate
                    wait = self.paid_until - now
                if wait > 0:
                    time.sleep(wait)
            yield chunk

    def hashed(self, place, path):
        digest, size = hashlib.sha256(), 0
        for chunk in self.paced(place.chunks(path)):
            digest.update(chunk)
            size += len(chunk)
        return size, digest.hexdigest()

    def bring(self, file):
        source, target = self.place(file["table"], "source"), self.place(file["table"], "target")
        path = file["path"]
        if file["check"] and target.size(path) is not None:
            found = self.hashed(source, path)
            if found != self.hashed(target, path):
                return {"outcome": "other"}
            return {"outcome": "same", "size": found[0], "sha256": found[1]}
        digest, sizes = hashlib.sha256(), []

        def read():
            for chunk in self.paced(source.chunks(path)):
                digest.update(chunk)
                sizes.append(len(chunk))
                yield chunk

        target.write(path, file["size"], read(), source.modified(path))
        return {"outcome": "copied", "size": sum(sizes), "sha256": digest.hexdigest()}

    def result(self, file):
        try:
            deadline = self.job["deadline"]
            if deadline is not None and time.time() > deadline:
                return {"file": file["file"], "outcome": "late"}
            return {"file": file["file"], **self.bring(file)}
        except FileNotFoundError:
            return {"file": file["file"], "outcome": "absent"}
        except BaseException as error:
            # A library may panic, which is no Exception. A task must not end for it.
            # The first line is the sentence; what follows is how a library sees itself.
            detail = (str(error).strip() or type(error).__name__).splitlines()[0]
            return {"file": file["file"], "outcome": "failed", "detail": detail[:2000]}


def task(job, told):
    """A function over the files of one partition."""

    def work(files):
        copier = Copier(job)
        with ThreadPoolExecutor(max_workers=job["threads"]) as pool:
            for result in pool.map(copier.result, list(files)):
                told.add([result])

    return work


def parts(files, slots):
    """Shares out files: big ones first and even in bytes, with enough parts that no slot waits for another."""
    count = max(1, min(len(files), slots * 4))
    out = [(0, index, []) for index in range(count)]
    import heapq

    for file in sorted(files, key=lambda file: -file["size"]):
        total, index, members = heapq.heappop(out)
        members.append(file)
        # An empty file costs its calls, too.
        heapq.heappush(out, (total + file["size"] + (1 << 20), index, members))
    return [members for _, _, members in out if members]


def watch(folder):
    """Ends the job when nobody waits for it."""
    alive = os.path.join(folder, "alive")
    while True:
        time.sleep(2)
        try:
            quiet = time.time() - os.stat(alive).st_mtime
        except FileNotFoundError:
            quiet = GONE_AFTER + 1
        if quiet > GONE_AFTER:
            os._exit(3)


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
        job = json.load(file)
    os.unlink(os.path.join(folder, "job.json"))
    with open(os.path.join(folder, "files.jsonl"), encoding="utf-8") as file:
        files = [json.loads(line) for line in file]
    threading.Thread(target=watch, args=(folder,), daemon=True).start()

    from pyspark import AccumulatorParam, SparkConf, SparkContext

    class Results(AccumulatorParam):
        def zero(self, value):
            return []

        def addInPlace(self, one, other):
            one.extend(other)
            return one

    context = SparkContext(conf=SparkConf())
    context.setLogLevel("ERROR")
    print(json.dumps({"application": context.applicationId, "link": context.uiWebUrl}), flush=True)
    told = context.accumulator([], Results())
    slots = context.defaultParallelism
    if job["bytes_per_second"]:
        job["bytes_per_second"] = max(1, job["bytes_per_second"] // slots)
    shares = parts(files, slots)
    done = threading.Event()

    def write_results():
        written = 0
        with open(os.path.join(folder, "results.jsonl"), "a", encoding="utf-8") as out:
            while True:
                last = done.wait(0.2)
                new = told.value[written:]
                written += len(new)
                out.writelines(json.dumps(result) + "\n" for result in new)
                out.flush()
                if last:
                    return

    writer = threading.Thread(target=write_results)
    writer.start()
    try:
        work = task(job, told)
        context.parallelize(shares, len(shares)).flatMap(lambda share: share).foreachPartition(work)
    finally:
        done.set()
        writer.join()
        context.stop()


if __name__ == "__main__":
    main()
