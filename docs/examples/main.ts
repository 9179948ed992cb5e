import 'reflect-metadata';
import type { Server } from 'node:http';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** Runs one of the examples: `node docs/examples/dist/main.js progress-by-sse`, on the port of `PORT`, or 3000. */
const EXAMPLES: Readonly<Record<string, () => Promise<{ ExampleModule: Type }>>> = {
  'auth-and-ownership': () => import('./auth-and-ownership.js'),
  'store-by-configuration': () => import('./store-by-configuration.js'),
  'progress-by-sse': () => import('./progress-by-sse.js'),
  'job-after-upload': () => import('./job-after-upload.js'),
};

const load = EXAMPLES[process.argv[2] ?? ''];
if (!load) {
  console.error(`Which example? ${Object.keys(EXAMPLES).join(', ')}`);
  process.exit(2);
}
const { ExampleModule } = await load();
const app = await NestFactory.create(ExampleModule);
app.enableShutdownHooks();
// An upload may take longer than Node's five minutes.
(app.getHttpServer() as Server).requestTimeout = 0;
await app.listen(Number(process.env.PORT ?? 3000));
console.log(`ready at ${await app.getUrl()}`);
