import type { FileInfo } from '@nestjs-tus/core';
import { headerInput } from './object-headers.js';

const infoOf = (metaData: Record<string, string>): FileInfo => ({
  id: 'a',
  size: 1,
  sizeIsDeferred: false,
  offset: 0,
  metaData,
  isPartial: false,
  isFinal: false,
  partialUploads: [],
});

describe('object headers', () => {
  it('take the type from the metadata if it is one', () => {
    const typeOf = (filetype: string) => headerInput({}, infoOf({ filetype }), 'x').ContentType;
    expect(typeOf('image/png')).toBe('image/png');
    expect(typeOf('text/plain; charset=utf-8')).toBe('text/plain; charset=utf-8');
    for (const bad of ['png', 'image/png\r\nX-Evil: 1', 'a/b;', 'ä/b']) expect(typeOf(bad)).toBeUndefined();
    expect(headerInput({ contentType: 'a/b' }, infoOf({ filetype: 'c/d' }), 'x').ContentType).toBe('a/b');
  });

  it('name the file so that no name leaves the header', () => {
    const named = (filename: string) =>
      headerInput({ contentDisposition: 'attachment' }, infoOf({ filename }), 'x');
    expect(named('a b.txt').ContentDisposition).toBe("attachment; filename*=UTF-8''a%20b.txt");
    expect(named("x'(*).txt\r\n\ud800").ContentDisposition).toBe(
      "attachment; filename*=UTF-8''x%27%28%2A%29.txt%0D%0A%EF%BF%BD",
    );
    expect(headerInput({ contentDisposition: 'inline' }, infoOf({}), 'x').ContentDisposition).toBe('inline');
    expect(named(`${'x'.repeat(300)}.tar`).ContentDisposition).toBe(
      `attachment; filename*=UTF-8''${'x'.repeat(251)}.tar`,
    );
    expect(named('é'.repeat(300)).ContentDisposition).toMatch(/'(%C3%A9){127}$/);
  });

  it('encode metadata and tags', () => {
    const { Metadata, Tagging } = headerInput(
      { metadata: { a: 'ä', b: '100%', c: 'x' }, tags: { 'k k': 'v&' } },
      infoOf({}),
      'x1',
    );
    expect(Metadata).toEqual({ a: '%C3%A4', b: '100%25', c: 'x', 'tus-attempt': 'x1' });
    expect(Tagging).toBe('k%20k=v%26');
  });
});
