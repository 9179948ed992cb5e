import { RecordText } from './record-text.js';
import type { UploadRecord } from './upload-record.js';

const text = new RecordText('nestjs-tus/s3-store');

/** As version 0.1.0 has written it. */
const WRITTEN = {
  format: 'nestjs-tus/s3-store 1',
  record: {
    info: {
      id: 'id1',
      size: 30,
      sizeIsDeferred: false,
      offset: 0,
      metaData: { filename: 'ä' },
      isPartial: false,
      isFinal: false,
      partialUploads: [],
      createdAt: '2026-01-02T03:04:05.000Z',
    },
    key: 'up/id1',
    keyIsChosen: true,
    commit: '0011223344556677',
    complete: false,
    garbage: ['up/id1.tail-00'],
    nextNumber: 29,
    idleToken: 't1',
    untidy: true,
    multipart: { id: '2~abc', attempt: 'id1/aa' },
    parts: [
      [1, 10, 'e1'],
      [4, 10, 'e4'],
    ],
    sealed: [
      { number: 1, size: 10, etag: 'e1' },
      { number: 2, size: 9, etag: 'e2' },
    ],
    segments: [{ key: 'up/id1.tail-01', size: 3 }],
  },
};

const { createdAt, ...info } = WRITTEN.record.info;
const RECORD: UploadRecord = {
  info: { ...info, createdAt: new Date(createdAt), expiresAt: undefined },
  key: 'up/id1',
  keyIsChosen: true,
  commit: '0011223344556677',
  complete: false,
  session: { handle: '2~abc', attempt: 'id1/aa' },
  parts: [
    { number: 1, size: 10, piece: 'e1' },
    { number: 4, size: 10, piece: 'e4' },
  ],
  sealed: [
    { number: 1, size: 10, piece: 'e1' },
    { number: 2, size: 9, piece: 'e2' },
  ],
  tails: [{ key: 'up/id1.tail-01', size: 3 }],
  garbage: ['up/id1.tail-00'],
  nextNumber: 29,
  idleToken: 't1',
  untidy: true,
};

describe('the text of a record', () => {
  it('is read as version 0.1.0 wrote it', () => {
    expect(text.read(JSON.stringify(WRITTEN))).toEqual(RECORD);
  });

  it('is written as version 0.1.0 reads it', () => {
    expect(JSON.parse(text.write(RECORD))).toEqual(WRITTEN);
  });

  it('keeps whatever a backend gives as its session and pieces', () => {
    const handle = { upload: ['a', 1, null], region: 'ü' };
    const piece = { id: 'b', generation: 3 };
    const parts = [{ number: 1, size: 10, piece }];
    const record = { ...RECORD, session: { handle, attempt: 'a' }, parts, sealed: parts };
    expect(text.read(text.write(record))).toEqual(record);
  });

  it('has no fields for what an upload has not got', () => {
    const small: UploadRecord = {
      info: info,
      key: 'k',
      commit: 'c',
      complete: true,
      parts: [],
      tails: [],
      garbage: [],
      nextNumber: 1,
    };
    expect(text.write(small)).not.toMatch(/multipart|sealed|untidy|lost/);
    expect(text.read(text.write(small))).toMatchObject(small);
  });

  it.each([
    ['no JSON', '{'],
    ['another kind of file', '{"name":"photo"}'],
    ['the record of another store', text.write(RECORD).replace('s3-store', 'other')],
    ['a later version', text.write(RECORD).replace('s3-store 1', 's3-store 2')],
    ['a broken record', text.write(RECORD).replace('"nextNumber":29', '"nextNumber":"29"')],
  ])('is not %s', (_name, other) => {
    expect(text.read(other)).toBeUndefined();
  });

  it('says of a record that is asked for whether it is ours', () => {
    const later = text.write(RECORD).replace('s3-store 1', 's3-store 2');
    expect(() => text.readOwn('{}', 'k')).toThrow(expect.objectContaining({ status: 404 }) as Error);
    expect(() => text.readOwn(later, 'k')).toThrow(expect.objectContaining({ status: 500 }) as Error);
  });
});
