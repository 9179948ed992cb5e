import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { sumMetrics, type UploadEventName } from '@nestjs-tus/core';
import { isMessage, type Kinds, type Message, type Numbers } from './messages.js';

/** A worker that does not say its numbers in this time is left out: it may hang. */
const COUNT_TIMEOUT_MS = 2_000;

/**
 * Joins the events and numbers of the workers, in the primary process of `node:cluster`. Call it once, before the first `fork`;
 * each worker makes a `TusWorkers`.
 *
 * @example
 * if (cluster.isPrimary) {
 *   relayTusWorkers();
 *   for (let count = 0; count < 4; count++) cluster.fork();
 * }
 */
export function relayTusWorkers(): void {
  const relay = new Relay();
  cluster.on('message', (worker, message: unknown) => {
    if (isMessage(message)) relay.receive(worker, message);
  });
  cluster.on('exit', (worker) => relay.forget(worker));
}

interface Count {
  readonly missing: Set<number>;
  readonly parts: Numbers[];
  readonly answer: () => void;
}

class Relay {
  private readonly listening = new Map<number, Kinds>();
  private readonly counts = new Map<number, Count>();
  private lastCount = 0;

  receive(from: Worker, message: Message): void {
    switch (message.tus) {
      case 'listening':
        this.listening.set(from.id, message.kinds);
        this.tellWanted();
        break;
      case 'event':
        for (const worker of othersThan(from)) {
          if (this.listening.get(worker.id)?.[message.endpoint]?.includes(message.kind))
            send(worker, message);
        }
        break;
      case 'count':
        this.count(from, message.id);
        break;
      case 'counted':
        this.add(from, message.id, message.numbers);
        break;
      case 'wanted':
        break;
    }
  }

  forget(gone: Worker): void {
    this.listening.delete(gone.id);
    for (const id of this.counts.keys()) this.add(gone, id, {});
    this.tellWanted();
  }

  private tellWanted(): void {
    for (const worker of workers()) {
      const kinds = othersThan(worker).map(({ id }) => this.listening.get(id) ?? {});
      send(worker, { tus: 'wanted', kinds: union(kinds) });
    }
  }

  /** Asks all workers, the one that wants to know too, and answers when all have said their numbers. */
  private count(asking: Worker, askedAs: number): void {
    const id = ++this.lastCount;
    // A worker that has not joined yet has no numbers, and would not answer.
    const asked = workers().filter((worker) => this.listening.has(worker.id));
    const answer = () => {
      clearTimeout(timer);
      const count = this.counts.get(id);
      if (!count || !this.counts.delete(id)) return;
      send(asking, { tus: 'counted', id: askedAs, numbers: sumOf(count.parts) });
    };
    const timer = setTimeout(answer, COUNT_TIMEOUT_MS);
    this.counts.set(id, { missing: new Set(asked.map((worker) => worker.id)), parts: [], answer });
    for (const worker of asked) send(worker, { tus: 'count', id });
  }

  private add({ id: workerId }: Worker, id: number, numbers: Numbers): void {
    const count = this.counts.get(id);
    if (!count?.missing.delete(workerId)) return;
    count.parts.push(numbers);
    if (count.missing.size === 0) count.answer();
  }
}

function union(all: readonly Kinds[]): Kinds {
  const kinds: Record<string, UploadEventName[]> = {};
  for (const [endpoint, names] of all.flatMap((one) => Object.entries(one))) {
    kinds[endpoint] = [...new Set([...(kinds[endpoint] ?? []), ...names])];
  }
  return kinds;
}

function sumOf(parts: readonly Numbers[]): Numbers {
  const endpoints = new Set(parts.flatMap((part) => Object.keys(part)));
  return Object.fromEntries(
    [...endpoints].map((endpoint) => {
      const numbers = parts.map((part) => part[endpoint]).filter((one) => one !== undefined);
      return [endpoint, sumMetrics(numbers)];
    }),
  );
}

function send(worker: Worker, message: Message): void {
  // One that is about to end has closed its side; its 'exit' comes soon.
  if (worker.isConnected()) worker.send(message, () => undefined);
}

function othersThan({ id }: Worker): Worker[] {
  return workers().filter((worker) => worker.id !== id);
}

function workers(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}
