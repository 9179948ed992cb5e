import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, Req, Res, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { TusExpressAdapter } from './tus-express-adapter.js';

/** What the probe uses of Express. */
interface Request extends IncomingMessage {
  readonly app: { request: object };
  readonly ip: string;
  readonly query: object;
  readonly xhr: boolean;
  get(name: string): string;
}
interface Response extends ServerResponse {
  cookie(name: string, value: string): void;
  json(body: object): void;
}

@Controller()
class Probe {
  @Get('probe')
  probe(@Req() req: Request, @Res({ passthrough: true }) res: Response) {
    res.cookie('a', 'b');
    return {
      ip: typeof req.ip,
      query: req.query,
      isExpress: Object.getPrototypeOf(req) === req.app.request,
      get: req.get('x-probe'),
      xhr: req.xhr,
    };
  }
}

@Module({ controllers: [Probe] })
class ProbeModule {}

async function get(
  app: INestApplication,
  path: string,
): Promise<{ status?: number; cookie?: string[]; body: string; poweredBy?: unknown }> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path, headers: { 'x-probe': '1' }, agent: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            cookie: response.headers['set-cookie'],
            poweredBy: response.headers['x-powered-by'],
            body,
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

describe.each([
  ['ExpressAdapter', () => new ExpressAdapter()],
  ['TusExpressAdapter', () => new TusExpressAdapter(undefined, { maxHeaderSize: 64 * 1024 })],
])('%s', (_name, adapter) => {
  let app: INestApplication;

  beforeEach(async () => {
    app = await NestFactory.create(ProbeModule, adapter(), { logger: false, forceCloseConnections: true });
  });
  afterEach(() => app.close());

  it('serves requests with all that Express gives them', async () => {
    await app.listen(0, '127.0.0.1');
    const answer = await get(app, '/probe?x=1');
    expect(answer).toMatchObject({ status: 200, cookie: ['a=b; Path=/'], poweredBy: 'Express' });
    expect(JSON.parse(answer.body)).toEqual({
      ip: 'string',
      query: { x: '1' },
      isExpress: true,
      get: '1',
      xhr: false,
    });
  });

  it('runs middleware, sub-applications among it, and answers 404', async () => {
    const nested = new ExpressAdapter();
    nested.get('/inner', (_req: Request, res: Response) => void res.json({ nested: true }));
    app.use('/outer', nested.getInstance());
    await app.listen(0, '127.0.0.1');
    expect((await get(app, '/outer/inner')).body).toBe('{"nested":true}');
    expect((await get(app, '/probe')).status).toBe(200);
    expect((await get(app, '/nowhere')).status).toBe(404);
  });
});

it('makes the change of prototype a no-op', async () => {
  const adapter = new TusExpressAdapter();
  const app = await NestFactory.create(ProbeModule, adapter, { logger: false });
  const prototypes: boolean[] = [];
  // Runs before the application, which would change the prototype.
  app.getHttpServer().prependListener('request', (req: object) => {
    prototypes.push(Object.getPrototypeOf(req) === adapter.getInstance<{ request: object }>().request);
  });
  await app.listen(0, '127.0.0.1');
  await get(app, '/probe');
  await app.close();
  expect(prototypes).toEqual([true]);
});

it('passes options on to the server', async () => {
  const app = await NestFactory.create(ProbeModule, new TusExpressAdapter(undefined, { requestTimeout: 0 }), {
    logger: false,
  });
  await app.init();
  expect(app.getHttpServer().requestTimeout).toBe(0);
  await app.close();
});
