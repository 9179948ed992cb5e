import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { unsentOf } from './unsent-bytes.js';

/**
 * Added to the time that a reader may stand still, in milliseconds. A reader of 100 KiB/s seems to take nothing for a while: its system says that
 * there is room again when a sixteenth of its buffer is free, and ours takes more only when a third of 4 MiB was sent.
 */
const HIDDEN_BY_SYSTEMS = { known: 5_000, unknown: 15_000 };
const LOOKS_PER_TIMEOUT = 4;

/**
 * Breaks the connection (a stream of HTTP/2) of a download whose reader takes nothing: the content's descriptors must not be held for ever.
 *
 * @param timeout milliseconds
 * @returns ends the watching
 */
export function cutWhenStalled(res: ServerResponse, timeout: number): () => void {
  const watch = new StallWatch(res, timeout);
  return () => watch.stop();
}

type Sink = Pick<
  Writable,
  'writableNeedDrain' | 'writableEnded' | 'writableFinished' | 'destroy' | 'on' | 'off'
>;

class StallWatch {
  private readonly sink: Sink;
  /** Undefined on HTTP/2, whose connection is not the reader's alone. */
  private readonly socket: Socket | null;
  private readonly timer: NodeJS.Timeout;
  private waitingSince: number | undefined;
  private unsent: string | undefined;
  private isOver = false;

  constructor(
    res: ServerResponse & { readonly stream?: Sink },
    private readonly timeout: number,
  ) {
    // A response of HTTP/2 is no stream itself.
    this.sink = res.stream ?? res;
    this.socket = res.stream ? null : res.socket;
    this.sink.on('drain', this.hasTaken);
    this.timer = setInterval(() => void this.look(), Math.ceil(timeout / LOOKS_PER_TIMEOUT)).unref();
  }

  stop(): void {
    this.isOver = true;
    clearInterval(this.timer);
    this.sink.off('drain', this.hasTaken);
  }

  private readonly hasTaken = (): void => {
    this.waitingSince = undefined;
  };

  private async look(): Promise<void> {
    // A slow source is not the reader's fault.
    if (!isWaiting(this.sink)) return this.hasTaken();
    this.waitingSince ??= performance.now();
    const unsent = await unsentOf(this.socket);
    if (this.isOver || this.waitingSince === undefined) return;
    if (unsent !== this.unsent) this.waitingSince = performance.now();
    this.unsent = unsent;
    const hidden = unsent === undefined ? HIDDEN_BY_SYSTEMS.unknown : HIDDEN_BY_SYSTEMS.known;
    if (performance.now() - this.waitingSince >= this.timeout + hidden) this.sink.destroy();
  }
}

function isWaiting({ writableNeedDrain, writableEnded, writableFinished }: Sink): boolean {
  return writableNeedDrain || (writableEnded && !writableFinished);
}
