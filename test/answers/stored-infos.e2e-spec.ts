import { MemoryStore, type DataStore, type FileInfo, type Upload } from '@nestjs-tus/core';
import { within } from '../harness/eventually.js';
import { startInProcess } from '../harness/in-process-server.js';
import { create, createUpload, download, head, patch, type Reply } from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';

const answered = (reply: Promise<Reply>) => within('an answer', reply, 5_000);

/** A store whose infos are changed on their way out: those of another server, or damaged ones. */
class ForeignStore extends MemoryStore {
  changes: Partial<Record<keyof FileInfo, unknown>> = {};

  override async newUpload(...args: Parameters<DataStore['newUpload']>): Promise<never> {
    return this.foreign(await super.newUpload(...args)) as never;
  }
  override async getUpload(...args: Parameters<DataStore['getUpload']>): Promise<never> {
    return this.foreign(await super.getUpload(...args)) as never;
  }
  private foreign(upload: Upload): Upload {
    const getInfo = upload.getInfo.bind(upload);
    return Object.assign(upload, {
      getInfo: async () => ({ ...(await getInfo({})), ...this.changes }) as FileInfo,
    });
  }
}

async function foreign(changes: ForeignStore['changes']) {
  const store = new ForeignStore();
  const server = await startInProcess({ store });
  const url = await createUpload(server.url, 5);
  store.changes = changes;
  return { server, url, store };
}

describe('HEAD of an upload of another server', () => {
  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['文件名', { 文件名: '报告.pdf' }, `%E6%96%87%E4%BB%B6%E5%90%8D ${base64('报告.pdf')}`],
    ['a space', { 'a b': 'x' }, `a%20b ${base64('x')}`],
    ['a comma', { 'a,b': 'x', c: 'y' }, `a%2Cb ${base64('x')},c ${base64('y')}`],
    ['a line break', { 'a\r\nX-Injected: 1': 'x' }, `a%0D%0AX-Injected:%201 ${base64('x')}`],
    ['a lone surrogate', { '\ud800': 'x' }, `%EF%BF%BD ${base64('x')}`],
    ['a percent sign is a letter like any other', { '50%': 'x' }, `50% ${base64('x')}`],
    ['an empty key is left out', { '': 'x', a: '' }, 'a'],
    ['two keys that would be one', { 'a b': 'x', 'a%20b': 'y' }, `a%20b ${base64('y')}`],
    ['a value that is no text is left out', { a: 5, b: null, c: 'x' }, `c ${base64('x')}`],
  ])('tells its metadata: %s', async (_name, metaData, expected) => {
    const { url, server } = await foreign({ metaData, metaDataHeader: undefined });
    const reply = await answered(head(url));
    expect([reply.status, reply.headers['upload-offset']]).toEqual([200, '0']);
    expect(reply.headers['upload-metadata']?.toString().replace(/ (?=,|$)/g, '')).toBe(expected);
    expect(server.complaints).toEqual([]);
  });

  it.each<[string, ForeignStore['changes']]>([
    ['a header that cannot be sent', { metaDataHeader: 'имя eA==', metaData: { a: 'x' } }],
    ['a header with a line break', { metaDataHeader: 'a eA==\r\nX-Injected: yes', metaData: { a: 'x' } }],
  ])('tells the decoded pairs in the place of %s', async (_name, changes) => {
    const { url } = await foreign(changes);
    const reply = await answered(head(url));
    expect([reply.status, reply.headers['upload-metadata']]).toEqual([200, `a ${base64('x')}`]);
    expect(reply.headers).not.toHaveProperty('x-injected');
  });

  it('says no expiry where the date is none', async () => {
    const { url } = await foreign({ expiresAt: new Date('nonsense') });
    const reply = await answered(head(url));
    expect([reply.status, reply.headers['upload-expires']]).toEqual([200, undefined]);
  });

  it('writes Upload-Concat anew where the kept one cannot be sent', async () => {
    const { url } = await foreign({ isPartial: true, concatHeader: 'partial\r\nX: y' });
    const reply = await answered(head(url));
    expect([reply.status, reply.headers['upload-concat']]).toEqual([200, 'partial']);
  });
});

describe('GET of an upload of another server', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a name that is a number', { filename: 5, filetype: 7 }],
    ['a name that is an object', { filename: {}, filetype: null }],
    ['no metadata that makes sense', { filename: '\u0000\ud800', filetype: 'ü/ü' }],
  ])('is served: %s', async (_name, metaData) => {
    const { url, store } = await foreign({});
    await patch(url, 0, 'hello');
    store.changes = { metaData };
    expect(await answered(download(url))).toMatchObject({ status: 200, text: 'hello' });
  });

  it('is served although the date of its creation is none', async () => {
    const { url, store } = await foreign({});
    await patch(url, 0, 'hello');
    store.changes = { createdAt: new Date('nonsense') };
    const reply = await answered(download(url));
    expect(reply).toMatchObject({ status: 200, text: 'hello' });
    expect(reply.headers).not.toHaveProperty('last-modified');
  });
});

describe('a kept answer', () => {
  it.each<[string, unknown]>([
    ['an odd status', { statusCode: 7, header: {}, body: 'virus' }],
    ['a header that cannot be sent', { statusCode: 422, header: { 'X-A': 'ё' }, body: 'virus' }],
    ['nothing', {}],
    ['null', null],
    ['a text', 'virus'],
    ['an odd body', { statusCode: 422, header: null, body: 5 }],
  ])('that is damaged is still an answer: %s', async (_name, answer) => {
    const { url, store } = await foreign({});
    store.changes = { state: 'rejected', answer };
    for (const reply of [await answered(head(url)), await answered(patch(url, 0, 'hello'))]) {
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(reply.headers['tus-resumable']).toBe('1.0.0');
    }
  });
});

describe('an id that a store has chosen', () => {
  it('stands in Location percent-encoded, whatever it is', async () => {
    const store = new ForeignStore();
    store.changes = { id: 'отчёт/a b\r\n"%' };
    const server = await startInProcess({ store });
    const reply = await answered(create(server.url, { 'Upload-Length': '5' }));
    expect(reply.status).toBe(201);
    expect(reply.headers.location).toBe(`${server.url}%D0%BE%D1%82%D1%87%D1%91%D1%82/a%20b%0D%0A%22%25`);
  });
});
