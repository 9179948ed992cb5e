import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  StoreComposer,
  TusHandler,
  type Config,
  type FileInfo,
  type HookEvent,
  type Locker,
  type TusLogger,
  type UploadEventName,
} from '@nestjs-tus/core';
import { newBackend, type Backend, type ListableStore } from './backend.js';

/** The engine on a plain node:http server in this process: for cases that need hooks, a clock or a view into the store. */
export interface InProcessServer {
  /** The collection, e.g. `http://127.0.0.1:40123/files/`. */
  readonly url: string;
  readonly port: number;
  readonly handler: TusHandler;
  readonly http: Server;
  readonly store: ListableStore;
  readonly locker: Locker;
  /** Every event so far, in order. */
  readonly events: readonly RecordedEvent[];
  /** What was logged as an error or a warning. */
  readonly complaints: readonly string[];
  /** The highest offset that a progress event has shown of an upload; 0 before the first. */
  progress(url: string): number;
  /** Every upload that the store knows. */
  uploads(): Promise<FileInfo[]>;
  close(): Promise<void>;
}

export interface RecordedEvent {
  readonly name: UploadEventName;
  readonly event: HookEvent;
}

export interface InProcessOptions extends Partial<Config> {
  /** Default: a new one. It is closed with the server. */
  readonly backend?: Backend;
  readonly store?: ListableStore;
  readonly locker?: Locker;
}

/** CI runs the tests of tus a second time like this: beside the draft, nothing of tus may change. */
const DRAFT_IS_ON = process.env['TUS_TEST_DRAFT'] === 'on';
const EVENT_NAMES = ['created', 'progress', 'completed', 'terminated', 'expired'] as const;
const MAX_HEADER_SIZE = 128 * 1024;
/** More than any test creates. */
const MOST_UPLOADS = 100_000;

/** Starts a handler with store and locker of the backend, unless others are given. It is closed after the tests of this file. */
export async function startInProcess(options: InProcessOptions = {}): Promise<InProcessServer> {
  const { backend = newBackend(), ...others } = options;
  const { store = backend.store, locker = backend.locker, ...config } = others;
  const complaints: string[] = [];
  const complain = (...words: unknown[]) => void complaints.push(words.map(String).join(' '));
  const logger: TusLogger = { error: complain, warn: complain, log: () => undefined };
  const handler = new TusHandler({
    storeComposer: StoreComposer.of(store, locker),
    logger,
    uploadProgressInterval: 1,
    enableExperimentalProtocol: DRAFT_IS_ON,
    ...config,
  });
  const events: RecordedEvent[] = [];
  for (const name of EVENT_NAMES) handler.events.on(name, (event) => void events.push({ name, event }));
  await handler.init();

  const http = createServer(
    { maxHeaderSize: MAX_HEADER_SIZE, requestTimeout: 0 },
    (req, res) => void handler.handle(req, res),
  );
  handler.acceptContinue(http, () => true);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const server: InProcessServer = {
    url: `http://127.0.0.1:${port}/files/`,
    port,
    handler,
    http,
    store,
    locker,
    events,
    complaints,
    progress(url) {
      const ofUpload = events.filter(
        ({ name, event }) => name === 'progress' && url.endsWith(event.upload.id),
      );
      return Math.max(0, ...ofUpload.map(({ event }) => event.upload.offset));
    },
    uploads: async () => (await store.list({ limit: MOST_UPLOADS })).uploads,
    async close() {
      await close(http, handler);
      await backend.close();
    },
  };
  servers.push(server);
  return server;
}

async function close(http: Server, handler: TusHandler): Promise<void> {
  const closed = new Promise((resolve) => http.close(resolve));
  await handler.shutdown();
  http.closeAllConnections();
  await closed;
}

const servers: InProcessServer[] = [];

afterAll(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
