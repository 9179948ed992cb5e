import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VersioningType, type DynamicModule, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { RequestListener } from '@nestjs-tus/core';
import express, { type Express, type Request, type Response } from 'express';
import { TusModule, type TusModuleOptions } from 'nestjs-tus';
import { startInProcess } from '../../harness/in-process-server.js';
import { SeededRandom } from '../../harness/seeded-random.js';
import { ADAPTERS } from '../adapters.js';
import { closeApps, startApp, type NestAdapter } from '../apps/start-app.js';
import { Http2Client, RawClient, type FuzzClient } from './fuzz-clients.js';
import { oddRequest } from './odd-requests.js';
import { WatchedStore } from './watched-store.js';

/** Requests for each adapter and place. `TUS_FUZZ_ROUNDS=20000` for a long run. */
const ROUNDS = Number(process.env['TUS_FUZZ_ROUNDS'] ?? 150);
/** `TUS_FUZZ_SEED=<seed>` repeats the run that a failure has printed. */
const SEED = Number(process.env['TUS_FUZZ_SEED'] ?? Date.now() % 2 ** 32);
const MILLISECONDS_PER_ROUND = 100;
const DEADLINE_MS = 20_000 + ROUNDS * MILLISECONDS_PER_ROUND;

/** A router that is told to overlook as much as it can. */
const LAX = {
  routerOptions: {
    caseSensitive: false,
    ignoreTrailingSlash: true,
    ignoreDuplicateSlashes: true,
    useSemicolonDelimiter: true,
  },
};

const MAKERS: readonly (readonly [string, () => NestAdapter])[] = [
  ...ADAPTERS.map(({ name, make }) => [name, make] as const),
  ['a lax FastifyAdapter', () => new FastifyAdapter(LAX)],
];

interface Place {
  readonly options: TusModuleOptions;
  readonly collection: string;
  readonly prepare?: (app: INestApplication) => void;
}

const PLACES: readonly Place[] = [
  { options: { path: 'files' }, collection: '/files' },
  {
    options: { path: 'files', version: '1' },
    collection: '/api/v1/files',
    prepare: (app) => {
      app.setGlobalPrefix('api');
      app.enableVersioning({ type: VersioningType.URI });
    },
  },
  { options: { path: 'tenants/:tenantId/files' }, collection: '/tenants/7/files' },
  { options: { path: '' }, collection: '' },
];

const CASES = MAKERS.flatMap(([name, make]) => PLACES.map((place) => ({ name, make, ...place })));

afterEach(closeApps);

describe('the store sees nothing that the guard has not seen', () => {
  it.each(CASES)(
    'at "$collection" on $name',
    async ({ make, options, collection, prepare }) => {
      const store = new WatchedStore();
      const { url } = await startApp(
        {
          imports: [endpointOf(store, options)],
        },
        {
          adapter: make(),
          prepare: (app) => {
            app.use(store.watch);
            prepare?.(app);
          },
        },
      );
      await fuzz(store, collection, new RawClient(url));
    },
    DEADLINE_MS,
  );

  it(
    'over HTTP/2',
    async () => {
      const store = new WatchedStore();
      const { url } = await startApp(
        { imports: [endpointOf(store, { path: 'files' })] },
        { adapter: new FastifyAdapter({ http2: true }), prepare: (app) => void app.use(store.watch) },
      );
      await fuzz(store, '/files', new Http2Client(url));
    },
    DEADLINE_MS,
  );

  it(
    'where the app is mounted in another Express app',
    async () => {
      const store = new WatchedStore();
      const { app } = await startApp(
        { imports: [endpointOf(store, { path: 'files' })] },
        { prepare: (prepared) => void prepared.use(store.watch) },
      );
      const outer = express();
      outer.use('/up', app.getHttpAdapter().getInstance() as Express);
      const server = createServer((req, res) => void outer(req, res));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        await fuzz(store, '/up/files', new RawClient(`http://127.0.0.1:${port}`));
      } finally {
        server.close();
      }
    },
    DEADLINE_MS,
  );

  it(
    'on plain node:http, by a guard of its own',
    async () => {
      const store = new WatchedStore();
      const server = await startInProcess({ store, enableExperimentalProtocol: true });
      const [listener] = server.http.listeners('request') as RequestListener[];
      server.http.removeAllListeners('request').on('request', (req, res) => {
        store.watch(req, res, () => {
          store.show(req, idsNamedBy(req, '/files'));
          void listener?.(req, res);
        });
      });
      await fuzz(store, '/files', new RawClient(server.url));
    },
    DEADLINE_MS,
  );

  it(
    'on routes of an Express app, by the parameter that Express reads',
    async () => {
      const store = new WatchedStore();
      const server = await startInProcess({ store, enableExperimentalProtocol: true });
      const { handler } = server;
      const app = express();
      void app.use((req, res, next) => {
        // Only of a creation Express reads no id: the header must be read.
        const members = idsNamedBy(req, '/files', { isCreation: true });
        store.watch(req, res, () => {
          store.show(req, members);
          next();
        });
      });
      const serve = (listener: RequestListener) => (req: Request, res: Response) => {
        store.show(req, [String(req.params['id'])]);
        void listener(req, res);
      };
      app.post('/files', serve(handler.postFile));
      app.put('/files', serve(handler.postFile));
      // As overridden methods go, each route may be asked for anything.
      app.all('/files/:id', serve(handler.handle));
      server.http.removeAllListeners('request').on('request', (req, res) => void app(req, res));
      await fuzz(store, '/files', new RawClient(server.url), { onlyOdd: true });
    },
    DEADLINE_MS,
  );
});

function endpointOf(store: WatchedStore, options: TusModuleOptions): DynamicModule {
  return TusModule.forRoot({
    ...options,
    store: { useValue: store },
    guards: [store],
    enableExperimentalProtocol: true,
    logger: { error: () => undefined, warn: () => undefined, log: () => undefined },
  });
}

/** What somebody who reads RFC 3986 takes a request to be about. */
function idsNamedBy(req: IncomingMessage, collection: string, { isCreation = false } = {}): string[] {
  const target = new RegExp(`^(?:https?://[^/?#@\\\\]+)?${collection}/([^/?#\\\\]+)/?(?:\\?[^#]*)?$`, 'i');
  const id = isCreation ? undefined : target.exec(req.url ?? '')?.[1];
  if (id !== undefined) return [unescaped(id)];
  const members = String(req.headers['upload-concat'] ?? '').split(/[; ]+/);
  return members.map((member) => unescaped(member.slice(member.lastIndexOf('/') + 1)));
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function fuzz(
  store: WatchedStore,
  collection: string,
  client: FuzzClient,
  { onlyOdd = false } = {},
): Promise<void> {
  const random = new SeededRandom(SEED);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const request = oddRequest(collection, random);
      await store.seed();
      const status = await client.send(request);
      const wrong = store.takeWrong();
      const isRefused = !onlyOdd && request.expected?.includes(status ?? 0) === false;
      if (wrong.length === 0 && !isRefused) continue;
      const found = JSON.stringify({ wrong, status, request }, undefined, 2);
      throw new Error(`${found}\nTUS_FUZZ_SEED=${SEED}, round ${round}`);
    }
  } finally {
    client.close();
  }
}
