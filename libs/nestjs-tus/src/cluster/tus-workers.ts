import type { INestApplicationContext } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { EventBridge, HookEvent, TusHandler, UploadEventName } from '@nestjs-tus/core';
import { getTusHandlerToken } from '../tus.tokens.js';
import { isMessage, type Kinds, type Message, type Numbers } from './messages.js';

/** Longer than the primary process waits for workers. */
const PRIMARY_TIMEOUT_MS = 3_000;
const HANDLER_TOKEN_PREFIX = getTusHandlerToken('');

/**
 * This process as one of several workers of `node:cluster`, whose primary has called `relayTusWorkers`: subscribers of upload events
 * see those of all workers, each once, and the numbers of all can be asked for. Events are sent only where somebody listens.
 *
 * An event of another worker has no `request`; its `stopUpload` deletes the upload by its lock, so that the client gets
 * ERR_UPLOAD_INTERRUPTED, and 404 when it comes back.
 *
 * @example
 * const workers = new TusWorkers();
 * const app = await NestFactory.create(AppModule);
 * workers.join(app);
 */
export class TusWorkers {
  private readonly handlers = new Map<string, TusHandler>();
  private readonly listening = new Map<string, Set<UploadEventName>>();
  private readonly counts = new Map<number, (numbers: Numbers) => void>();
  private wanted: Kinds = {};
  private lastCount = 0;

  /** Joins all endpoints of an app. Call it once, before `listen`. @throws Error in a process that is no worker */
  join(app: INestApplicationContext): void {
    if (!process.send) {
      throw new Error(
        'TusWorkers: this process is no worker of node:cluster: call join only if cluster.isWorker',
      );
    }
    process.on('message', this.onMessage);
    for (const { token, instance } of app.get(DiscoveryService, { strict: false }).getProviders()) {
      if (typeof token !== 'string' || !token.startsWith(HANDLER_TOKEN_PREFIX)) continue;
      const endpoint = token.slice(HANDLER_TOKEN_PREFIX.length);
      const handler = instance as TusHandler;
      this.handlers.set(endpoint, handler);
      handler.events.joinWith(this.bridgeOf(endpoint));
    }
    this.tellListening();
  }

  /**
   * The numbers of all workers, added up, by the names of endpoints: a `source` for `TusMetricsModule`. Workers that do not answer in time are left out;
   * when the primary process does not, the numbers are this worker's own.
   */
  numbers(): Promise<Numbers> {
    const id = ++this.lastCount;
    return new Promise((resolve) => {
      const answer = (numbers: Numbers) => {
        clearTimeout(timer);
        this.counts.delete(id);
        resolve(numbers);
      };
      const timer = setTimeout(() => answer(this.ownNumbers()), PRIMARY_TIMEOUT_MS);
      this.counts.set(id, answer);
      this.send({ tus: 'count', id });
    });
  }

  private bridgeOf(endpoint: string): EventBridge {
    return {
      wants: (kind) => this.wanted[endpoint]?.includes(kind) ?? false,
      send: (kind, event) => this.send({ tus: 'event', endpoint, kind, event: withoutRequest(event) }),
      listening: (kind, isListening) => {
        const kinds = this.listening.get(endpoint) ?? new Set();
        if (isListening) kinds.add(kind);
        else kinds.delete(kind);
        this.listening.set(endpoint, kinds);
        this.tellListening();
      },
    };
  }

  private readonly onMessage = (message: unknown): void => {
    if (!isMessage(message)) return;
    switch (message.tus) {
      case 'wanted':
        this.wanted = message.kinds;
        break;
      case 'event': {
        const handler = this.handlers.get(message.endpoint);
        handler?.events.receive(message.kind, revived(handler, message.event));
        break;
      }
      case 'count':
        this.send({ tus: 'counted', id: message.id, numbers: this.ownNumbers() });
        break;
      case 'counted':
        this.counts.get(message.id)?.(message.numbers);
        break;
      case 'listening':
        break;
    }
  };

  private tellListening(): void {
    const kinds = [...this.listening].map(([endpoint, names]) => [endpoint, [...names]] as const);
    this.send({ tus: 'listening', kinds: Object.fromEntries(kinds) });
  }

  private ownNumbers(): Numbers {
    return Object.fromEntries(
      [...this.handlers].map(([endpoint, handler]) => [endpoint, handler.metrics.snapshot()]),
    );
  }

  private send(message: Message): void {
    // The primary may be gone: the process ends soon, and nobody else is there to hear.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  }
}

/** A framework's request cannot be sent, and functions are left out by the channel. */
function withoutRequest({ upload, httpRequest }: HookEvent): HookEvent {
  return { upload, httpRequest };
}

/** As it came through the channel, dates are text, and there is no way to the request. */
function revived(handler: TusHandler, { upload, httpRequest }: HookEvent): HookEvent {
  const date = (value: Date | undefined) => (value === undefined ? undefined : new Date(value));
  return {
    upload: {
      ...upload,
      createdAt: date(upload.createdAt),
      expiresAt: date(upload.expiresAt),
      stopUpload: () => {
        handler.terminate(upload.id).catch((error: unknown) => {
          handler.config.logger.error(`stopping the upload ${upload.id} in another process failed`, error);
        });
      },
    },
    httpRequest,
  };
}
