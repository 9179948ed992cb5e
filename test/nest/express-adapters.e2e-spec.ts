import { Body, Controller, Get, Ip, Module, Post, Req, Res, StreamableFile } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import express from 'express';
import { writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { TusExpressAdapter } from 'nestjs-tus/express';
import { temporaryFolder } from '../harness/temporary-folder.js';
import type { Answer } from './apps/http-client.js';
import { TLS } from './apps/tls.js';

@Controller()
class ProbeController {
  @Get('probe')
  probe(@Req() req: express.Request, @Ip() ip: string, @Res({ passthrough: true }) res: express.Response) {
    res.cookie('a', 'b').vary('X-Probe');
    return {
      ip,
      protocol: req.protocol,
      secure: req.secure,
      hostname: req.hostname,
      query: req.query,
      xhr: req.xhr,
      accepts: req.accepts(['json', 'html']),
      subdomains: req.subdomains,
      fresh: req.fresh,
    };
  }

  @Post('echo')
  echo(@Body() body: unknown, @Req() req: { rawBody?: Buffer }) {
    return { body, raw: req.rawBody?.toString() };
  }

  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(Buffer.from('streamed'), { type: 'text/plain' });
  }

  @Get('view')
  view(@Res() res: express.Response): void {
    res.render('page', { title: 'hello' });
  }

  @Get('moved')
  moved(@Res() res: express.Response): void {
    res.redirect(302, '/probe');
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

const ADAPTERS = [
  ['ExpressAdapter', (instance?: express.Express) => new ExpressAdapter(instance)],
  ['TusExpressAdapter', (instance?: express.Express) => new TusExpressAdapter(instance)],
] as const;
const SERVERS = [
  ['http', {}],
  ['https', { httpsOptions: TLS }],
] as const;

let app: NestExpressApplication;
afterEach(() => app.close());

describe.each(ADAPTERS)('%s', (_adapter, makeAdapter) => {
  describe.each(SERVERS)('over %s', (scheme, serverOptions) => {
    const start = async (
      options: object = {},
      prepare: (app: NestExpressApplication) => void = () => undefined,
      instance?: express.Express,
    ) => {
      app = await NestFactory.create<NestExpressApplication>(ProbeModule, makeAdapter(instance), {
        logger: false,
        ...serverOptions,
        ...options,
      });
      prepare(app);
      await app.listen(0, '127.0.0.1');
    };
    const port = () => (app.getHttpServer().address() as AddressInfo).port;

    function get(path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
      const send = scheme === 'https' ? httpsRequest : httpRequest;
      return new Promise((resolve, reject) => {
        const sent = send({
          ...{ host: '127.0.0.1', port: port(), path, headers, agent: false },
          ...{ method: body === undefined ? 'GET' : 'POST', rejectUnauthorized: false },
        });
        sent.on('error', reject).end(body);
        sent.on('response', (answer) => {
          text(answer).then(
            (read) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: read }),
            reject,
          );
        });
      });
    }

    it('gives requests and responses all that Express has', async () => {
      await start({}, (nest) => nest.set('trust proxy', true));
      const answer = await get('/probe?x=1&y[]=2', {
        'X-Forwarded-For': '192.0.2.7',
        'X-Forwarded-Host': 'a.b.example.com',
        'X-Requested-With': 'XMLHttpRequest',
        Accept: 'text/html',
      });
      expect(JSON.parse(answer.body)).toEqual({
        ip: '192.0.2.7',
        protocol: scheme,
        secure: scheme === 'https',
        hostname: 'a.b.example.com',
        query: { x: '1', 'y[]': '2' },
        xhr: true,
        accepts: 'html',
        subdomains: ['b', 'a'],
        fresh: false,
      });
      expect(answer.headers).toMatchObject({
        'set-cookie': ['a=b; Path=/'],
        vary: 'X-Probe',
        'x-powered-by': 'Express',
        etag: expect.stringMatching(/^W\//),
      });
      const revalidated = await get('/file');
      expect([revalidated.body, revalidated.headers['content-type']]).toEqual(['streamed', 'text/plain']);
      expect((await get('/moved')).headers.location).toBe('/probe');
    });

    it('parses bodies, keeps raw ones, and takes parsers of the app', async () => {
      await start({ rawBody: true }, (nest) => nest.useBodyParser('text'));
      const json = await get('/echo', { 'Content-Type': 'application/json' }, '{"a":1}');
      expect(JSON.parse(json.body)).toEqual({ body: { a: 1 }, raw: '{"a":1}' });
      const plain = await get('/echo', { 'Content-Type': 'text/plain' }, 'hello');
      expect(JSON.parse(plain.body)).toEqual({ body: 'hello', raw: 'hello' });
      const broken = await get('/echo', { 'Content-Type': 'application/json' }, '{');
      expect(broken.status).toBe(400);
    });

    it('serves static files and views', async () => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'a.txt'), 'static');
      await writeFile(join(folder, 'page.tpl'), 'view');
      await start({}, (nest) => {
        nest.useStaticAssets(folder, { prefix: '/assets/' });
        nest.engine(
          'tpl',
          (_path: string, data: { title: string }, done: (error: null, html: string) => void) =>
            done(null, `<h1>${data.title}</h1>`),
        );
        nest.setBaseViewsDir(folder);
        nest.setViewEngine('tpl');
      });
      expect((await get('/assets/a.txt')).body).toBe('static');
      expect((await get('/view')).body).toBe('<h1>hello</h1>');
    });

    it('has CORS, locals, and settings of the app', async () => {
      await start({ cors: { origin: 'https://app.example.com' } }, (nest) => {
        nest.disable('x-powered-by');
        nest.setLocal('title', 'mine');
      });
      const answer = await get('/probe', { Origin: 'https://app.example.com' });
      expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');
      expect(answer.headers['x-powered-by']).toBeUndefined();
      const instance = app.getHttpAdapter().getInstance();
      expect(instance.locals.title).toBe('mine');
      expect(app.getHttpAdapter().getType()).toBe('express');
    });

    it('takes an Express application with what is mounted on it and added to its requests', async () => {
      const instance = express();
      const mounted = express();
      Object.defineProperty(instance.request, 'tenant', { get: () => 'seven' });
      mounted.get('/inner', (req: express.Request & { tenant?: string; late?: string }, res) => {
        res.json({ tenant: req.tenant, late: req.late, base: req.baseUrl, ip: typeof req.ip });
      });
      instance.use('/outer', mounted);
      await start({}, () => undefined, instance);
      Object.defineProperty(instance.request, 'late', { get: () => 'added' });
      expect(JSON.parse((await get('/outer/inner')).body)).toEqual({
        tenant: 'seven',
        late: 'added',
        base: '/outer',
        ip: 'string',
      });
      expect((await get('/probe')).status).toBe(200);
      expect((await get('/nowhere')).status).toBe(404);
    });

    it('closes connections at once when it is told to', async () => {
      await start({ forceCloseConnections: true });
      const idle = connect(port(), '127.0.0.1');
      idle.on('error', () => undefined);
      await get('/probe');
      const closed = new Promise((resolve) => idle.once('close', resolve));
      await app.close();
      await closed;
    });

    it('answers 503 while it is closing when it is told to', async () => {
      await start({ return503OnClosing: true });
      const answers: Answer[] = [];
      const adapter = app.getHttpAdapter();
      const close = adapter.close.bind(adapter);
      adapter.close = async () => {
        adapter.close = close;
        answers.push(await get('/probe'));
        await close();
      };
      await app.close();
      expect(answers.map(({ status, headers }) => [status, headers.connection])).toEqual([[503, 'close']]);
    });
  });
});
