import { Body, Controller, Post } from '@nestjs/common';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { request, type IncomingMessage, type Server } from 'node:http';
import { MemoryStore, TusModule } from 'nestjs-tus';
import { describeEachAdapter } from './adapters.js';
import { create, OFFSET_STREAM, send, TUS } from './apps/http-client.js';

const store = { useFactory: () => new MemoryStore() };

@Controller('notes')
class NotesController {
  @Post()
  echo(@Body() body: unknown): unknown {
    return body;
  }
}

/** Sends the head of a request and the first bytes of its body. */
function begin(method: string, url: string, headers: Record<string, string | number>, body: string) {
  const sent = request(url, { method, headers, agent: false });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject);
  });
  sent.write(body);
  return { sent, answer };
}

describeEachAdapter("the server's requestTimeout", (startApp) => {
  const impatient = () =>
    startApp(
      { imports: [TusModule.forRoot({ store })], controllers: [NotesController] },
      {
        prepare: (app) => {
          const server = app.getHttpServer() as Server & { connectionsCheckingInterval: number };
          server.requestTimeout = 1_000;
          // Node swaps the two when that of the headers is longer.
          server.headersTimeout = 1_000;
          server.connectionsCheckingInterval = 50;
        },
      },
    );

  it('does not cut an upload, and still cuts what else takes too long', async () => {
    const { url } = await impatient();
    const upload = await create(`${url}/files`, 10);
    const headers = { ...TUS, ...OFFSET_STREAM, 'Upload-Offset': 0, 'Content-Length': 10 };
    const patch = begin('PATCH', upload, headers, 'hello');
    // Begun after the upload: when its time is over, that of the upload is, too.
    const note = begin(
      'POST',
      `${url}/notes`,
      { 'Content-Type': 'application/json', 'Content-Length': 9 },
      '{"a"',
    );
    const cut = await note.answer;
    expect(cut.statusCode).toBe(408);
    patch.sent.end('world');
    const answer = await patch.answer;
    expect([answer.statusCode, answer.headers['upload-offset']]).toEqual([204, '10']);
    answer.resume();
    expect((await send('GET', upload)).body).toBe('helloworld');
  });

  it("cuts what is no operation of tus at an upload's URL: the app's parsers wait for it", async () => {
    const { url } = await impatient();
    const upload = await create(`${url}/files`, 10);
    const headers = { ...TUS, 'Content-Type': 'application/json', 'Content-Length': 9 };
    const stalled = begin('POST', upload, headers, '{"a"');
    expect((await stalled.answer).statusCode).toBe(408);
  });

  it('leaves requests that are no HTTP at all to whoever answered them before', async () => {
    const { app, url } = await impatient();
    const seen: unknown[] = [];
    (app.getHttpServer() as Server).on('clientError', ({ code }: Error & { code?: string }, socket) => {
      seen.push(code);
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.end('NO HTTP\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(seen).toEqual(['HPE_INVALID_METHOD']);
  });
});
