import cluster from 'node:cluster';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TusHandler } from 'nestjs-tus';
import { TusWorkers } from 'nestjs-tus/cluster';
import { TusExpressAdapter } from 'nestjs-tus/express';
import { AppModule } from './app.module.js';
import type { ServerOptions } from './config/server-options.js';
import { boundUnreadBodies, httpOptionsOf, limitConnections } from './connections.js';
import { ServerLogger } from './log/server-logger.js';

/** How long clients have to read the last answer before their connections are cut. */
const LINGER_MS = 1_000;
const SHARE_FOR_LINGERING = 0.1;

export interface RunningServer {
  readonly port: number;
  /** Lets running requests commit and answer, and closes every connection. */
  close(): Promise<void>;
}

/** @throws Error with a text for the operator when the store cannot be used, or the port not be had */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const adapter = new TusExpressAdapter(undefined, httpOptionsOf(options));
  adapter.disable('x-powered-by');
  const workers = cluster.isWorker ? new TusWorkers() : undefined;
  const extras = options.exposeMetrics ? [await metricsModule(workers)] : [];
  const app = await NestFactory.create(AppModule.with(options, extras), adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: new ServerLogger(options.logLevel),
  });
  await app.init();
  workers?.join(app);
  const server = app.getHttpServer() as Server;
  limitConnections(server, options);
  boundUnreadBodies(server);
  await listen(server, options);
  const handler = app.get(TusHandler);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await handler.drain();
      server.closeIdleConnections();
      const linger = Math.min(LINGER_MS, options.shutdownTimeout * SHARE_FOR_LINGERING);
      const cut = setTimeout(() => server.closeAllConnections(), linger);
      await closed;
      clearTimeout(cut);
      await app.close();
    },
  };
}

/** Loaded only when it is wanted: the start has to be quick. */
async function metricsModule(workers: TusWorkers | undefined): Promise<DynamicModule> {
  const { TusMetricsModule } = await import('nestjs-tus/metrics');
  return TusMetricsModule.forRoot({ source: workers && (() => workers.numbers()) });
}

// Not by `app.listen`, which logs what fails, too: the operator gets one line, from main.
async function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) =>
      reject(new Error(`cannot listen on ${host}:${port}: ${reasonOf(cause)}`, { cause }));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'the port is in use';
  if (code === 'EACCES') return 'this user may not use the port';
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'this machine does not have the address';
  return message;
}
