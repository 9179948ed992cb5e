import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, AppProcess } from './apps/app-process.mjs';
import { GRACE } from './apps/settings.mjs';
import { attack } from './clients/hostile-client.mjs';
import { uploadHonestly } from './clients/honest-client.mjs';
import { operate } from './clients/operator.mjs';
import { Random } from './random.mjs';
import { Connection } from './wire/connection.mjs';

/** Longest time from a request to its answer: all timeouts of the apps in a row take 6 s, and the machine may be busy. */
const BOUND_MS = 30_000;
/** How long after its connections an app's end may be seen. */
const ENDING_SHOWS_MS = 1_000;
const MOST_IDS = 100;
/** An app that ends as often is not started again. */
const MOST_RESTARTS = 50;
/** How long what clients have left may take to be given back. */
const SETTLE_MS = 30_000;
const SETTLE_STEP_MS = 500;
const LAST_ACTS = 6;
const SPARE_DESCRIPTORS = 10;
const SPARE_HEAP = 48 * 2 ** 20;
/** Processor time in one turn of the event loop. The largest answers and infos of a soak cost some milliseconds. */
const LONGEST_TURN_MS = 2_000;
/** From SIGTERM to the end. */
const SHUTDOWN_MS = GRACE + 20_000;

/** The load on one app, from its start to its end. */
export class AppRun {
  ids = [];
  counts = new Map();
  restarts = 0;
  boundMs = BOUND_MS;
  #over = false;
  #damaged = new Map();

  constructor(name, { seed, clients, isCalm, failures }) {
    Object.assign(this, { name, seed, clients, isCalm, failures });
    this.random = new Random(seed).fork(name);
  }

  /** Starts the app on a folder of its own. */
  async start() {
    this.base = await mkdtemp(join(tmpdir(), 'nestjs-tus-soak-'));
    // Deep enough that a path which leads out of the folder stays in what is removed at the end.
    this.folder = join(this.base, 'a/b/uploads');
    await mkdir(this.folder, { recursive: true });
    await this.#startApp();
  }

  /** Sends requests until `stop`; resolves when all clients are done. */
  async load() {
    const honest = Math.ceil(this.clients / 2);
    await Promise.all([
      ...Array.from({ length: this.clients }, (_, index) =>
        attack(this, this.random.fork(`hostile ${index}`)),
      ),
      ...Array.from({ length: honest }, (_, index) =>
        uploadHonestly(this, this.random.fork(`honest ${index}`)),
      ),
      ...(this.isCalm ? [] : [operate(this, this.random.fork('operator'), this.folder)]),
    ]);
  }

  stop() {
    this.#over = true;
  }

  /** What is compared at the end: taken when caches are warm. */
  async remember() {
    this.warm = await this.app.measure();
  }

  async measure() {
    const numbers = await this.app.measure();
    this.numbers = numbers ?? this.numbers;
    if (numbers?.longestTurn > LONGEST_TURN_MS) {
      this.fail('event loop', 'stood still', [`${Math.round(numbers.longestTurn)} ms`]);
    }
    return this.numbers;
  }

  /** Everything that clients have left must be given back, and SIGTERM must end the app. */
  async end() {
    await this.restarting;
    if (this.restarts < MOST_RESTARTS) {
      await this.#settle();
      await this.#shutDown();
    }
    await rm(this.base, { recursive: true, force: true, maxRetries: 3 });
  }

  // ── What clients ask ─────────────────────────────────────────────────────────────────────────

  isOver() {
    return this.#over;
  }

  /** True when the app has ended: what its clients miss follows from that. */
  async isDown() {
    const { app } = this;
    const late = after(ENDING_SHOWS_MS, false);
    const isGone = await Promise.race([late.promise, app.exited.then(() => true)]);
    late.cancel();
    if (isGone) await this.restarting;
    return isGone;
  }

  count(kind) {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** @param details texts; the seeds and ids of uploads in them lead to what hooks and the operator did */
  fail(kind, what, details) {
    const entry = this.failures.add(this.name, kind, what, details);
    if (!entry) return;
    const damaged = [...this.#damaged].filter(([id]) => details.some((text) => text.includes(id)));
    entry.details.push(...damaged.map(([, text]) => `info in the folder: ${text}`));
    void this.app.acts().then((acts) => {
      const seeds = [...details.join('\n').matchAll(/^X-Odd: (\S+)/gm)].map(([, seed]) => `X-Odd ${seed}:`);
      // No seed decides what happens to honest clients: then what the log said last may tell.
      const related = (act) => seeds.some((seed) => act.startsWith(seed));
      entry.details.push(...(seeds.length > 0 ? acts.filter(related) : acts.slice(-LAST_ACTS)));
    });
  }

  /** An upload that a hostile client has made. */
  learn(location) {
    if (!URL.canParse(location, `http://127.0.0.1:${this.port}`)) return;
    const { pathname } = new URL(location, `http://127.0.0.1:${this.port}`);
    if (!pathname.startsWith(this.path) || /%(?![0-9a-f]{2})/i.test(pathname)) return;
    this.#keepId(pathname.slice(this.path.length));
  }

  learnDamaged(id, text) {
    this.#damaged.set(id, text);
    if (this.#damaged.size > MOST_IDS) this.#damaged.delete(this.#damaged.keys().next().value);
    this.#keepId(id);
  }

  get port() {
    return this.app.port;
  }

  get path() {
    return this.app.path;
  }

  #keepId(id) {
    this.ids.push(id);
    if (this.ids.length > MOST_IDS) this.ids.shift();
  }

  async #startApp() {
    const report = join(this.base, `ending-${this.restarts}.json`);
    this.app = await AppProcess.start(this.name, { folder: this.folder, report, isCalm: this.isCalm });
    void this.app.exited.then((exit) => {
      this.restarting = this.#ended(exit);
    });
  }

  async #ended({ code, signal }) {
    if (this.isEnding) return;
    const { error, origin, acts } = this.app.ending();
    const what = signatureOf(error);
    const entry = this.failures.add(this.name, 'process ended', what, [
      `${signal ?? code}, ${origin}`,
      error,
    ]);
    entry?.details.push(...acts.slice(-LAST_ACTS));
    this.restarts++;
    if (this.restarts < MOST_RESTARTS) await this.#startApp();
    else this.stop();
  }

  async #settle() {
    // A process that began anew has failed already, and what it held went with the one before.
    if (this.restarts > 0) return;
    const deadline = performance.now() + SETTLE_MS;
    let held;
    do {
      await after(SETTLE_STEP_MS).promise;
      held = heldBy(await this.app.measure(), this.warm);
    } while (held && performance.now() < deadline);
    if (held) this.fail('not given back', held.what, [held.figures, ...(await this.app.held())]);
  }

  /** With a request that stands still and a connection that is idle. */
  async #shutDown() {
    const open = await Promise.all([Connection.open(this.port), Connection.open(this.port)]);
    await open[0].send(
      `POST ${this.path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 10\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 10\r\n\r\nabc`,
    );
    this.isEnding = true;
    this.app.signal('SIGTERM');
    const late = after(SHUTDOWN_MS, 'late');
    const exit = await Promise.race([this.app.exited, late.promise]);
    late.cancel();
    for (const connection of open) connection.destroy();
    if (exit === 'late') {
      this.fail('SIGTERM', 'did not end it in time', [`${SHUTDOWN_MS} ms`]);
      this.app.signal('SIGKILL');
      await this.app.exited;
    } else if (exit.code !== 0) {
      const { error } = this.app.ending();
      this.fail('SIGTERM', `ended it with ${exit.signal ?? exit.code}`, [error]);
    }
  }
}

function heldBy(now, warm) {
  if (!now || !warm) return { what: 'unknown', figures: 'the app does not answer' };
  const figures = `${JSON.stringify(now)}, after the first requests ${JSON.stringify(warm)}`;
  if (now.connections > 0) return { what: 'connections', figures };
  if (now.descriptors > warm.idleDescriptors + SPARE_DESCRIPTORS) return { what: 'descriptors', figures };
  if (now.heap > warm.heap + SPARE_HEAP) return { what: 'memory', figures };
  return undefined;
}

/** The first line of an error, and the first place in the stack that is ours. */
function signatureOf(error) {
  const lines = error.split('\n').filter((line) => line.trim() !== '');
  const place =
    lines.find((line) => /^\s+at .*(libs|dist)\//.test(line)) ??
    lines.find((line) => /^\s+at /.test(line)) ??
    '';
  return `${(lines[0] ?? '').slice(0, 150)} ${place.trim().replace(/file:\/\/\S*?(libs|dist|node_modules)\//, '$1/')}`;
}
