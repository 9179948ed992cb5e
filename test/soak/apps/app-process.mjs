import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flags } from './settings.mjs';

/** The apps of a soak: what each runs on. `server` is the server as its users start it. */
export const APP_NAMES = ['express', 'tus-express', 'fastify', 'engine', 'server'];

const ROOT = join(import.meta.dirname, '../../..');
const PROBE = join(import.meta.dirname, 'probe.mjs');
const CHILD = join(import.meta.dirname, 'child.mjs');
const START_DEADLINE_MS = 60_000;
const ANSWER_DEADLINE_MS = 30_000;
const MOST_OUTPUT = 8_000;

/** An app in a process of its own. */
export class AppProcess {
  warnings = new Set();
  #output = '';
  #answers = [];

  /**
   * Starts an app and waits until it serves.
   * @param report where it writes why it ended
   */
  static async start(name, { folder, report, isCalm }) {
    const what = name === 'server' ? [join(ROOT, 'dist/main.js'), ...flags(folder)] : [CHILD, name, folder];
    const child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, ...what], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production', SOAK_REPORT: report, SOAK_CALM: isCalm ? 'yes' : 'no' },
    });
    const app = new AppProcess(name, child, report);
    await app.#ready;
    return app;
  }

  #ready;

  constructor(name, child, report) {
    this.name = name;
    this.child = child;
    this.report = report;
    running.add(child);
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        running.delete(child);
        resolve({ code, signal });
      });
    });
    this.#ready = this.#untilReady();
    child.on('message', (message) => this.#take(message));
    child.stderr.on('data', (text) => this.#keep(text));
  }

  /** What `measure` of the probe tells; undefined when the app is gone or does not answer in time. */
  measure() {
    return this.#ask('measure', 'numbers');
  }

  /** What hooks did lately. */
  async acts() {
    return (await this.#ask('acts', 'acts')) ?? [];
  }

  /** What its open connections and descriptors are, as texts. */
  async held() {
    return (await this.#ask('held', 'held')) ?? [];
  }

  /** Why it ended, as far as it could say. */
  ending() {
    try {
      return JSON.parse(readFileSync(this.report, 'utf8'));
    } catch {
      return { origin: 'unknown', error: this.#output, acts: [] };
    }
  }

  get output() {
    return this.#output;
  }

  /** The reader of its log goes away. */
  closeLog() {
    this.child.stdout.destroy();
  }

  signal(name) {
    this.child.kill(name);
  }

  async #untilReady() {
    const found = new Promise((resolve) => {
      this.child.stdout.on('data', (text) => {
        this.#keep(text);
        const match = /ready at (http:\S+)/.exec(this.#output);
        if (match) resolve(new URL(match[1]));
      });
    });
    const late = after(START_DEADLINE_MS, undefined);
    const url = await Promise.race([found, late.promise, this.exited.then(() => undefined)]);
    late.cancel();
    if (!url) throw new Error(`${this.name} did not start:\n${this.#output}`);
    this.port = Number(url.port);
    this.path = url.pathname;
  }

  async #ask(question, member) {
    if (!this.child.connected) return undefined;
    const answered = new Promise((resolve) => this.#answers.push({ member, resolve }));
    this.child.send({ question }, () => undefined);
    const late = after(ANSWER_DEADLINE_MS, undefined);
    const answer = await Promise.race([answered, late.promise, this.exited.then(() => undefined)]);
    late.cancel();
    return answer;
  }

  #take(message) {
    if (message.warning) this.warnings.add(message.warning);
    const [given] = this.#answers.filter(({ member }) => member in message);
    if (!given) return;
    this.#answers.splice(this.#answers.indexOf(given), 1);
    given.resolve(message[given.member]);
  }

  #keep(text) {
    this.#output = (this.#output + text).slice(-MOST_OUTPUT);
  }
}

/** A value after some time, unless it is cancelled. */
export function after(milliseconds, value) {
  let timer;
  const promise = new Promise((resolve) => {
    timer = setTimeout(() => resolve(value), milliseconds);
  });
  return { promise, cancel: () => clearTimeout(timer) };
}

const running = new Set();
// No app outlives the soak.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
