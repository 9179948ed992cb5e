import { infoOf } from './testing/steps.js';
import { formatInfo, formatNewInfo, FINISHED_BYTE, finishPositionIn } from './info-record.js';
import { DamagedInfo, ForeignInfo, parseInfo } from './parse-info.js';

const MADE = '0123456789abcdef0123456789abcdef';
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const text = (fields: Record<string, unknown>, id = 'a') =>
  JSON.stringify({ ID: id, Size: 10, SizeIsDeferred: false, ...fields });

describe('an info on disk', () => {
  it.each([
    ['Size', [-5, 0.5, 1e300, 2 ** 53, '100', 'NaN', null, true, [], {}, undefined]],
    ['SizeIsDeferred', ['no', 0, [], {}]],
    ['State', ['hello', 'Finished', 1, [], {}, false]],
    ['Protocol', ['http', 7, {}]],
    ['IsPartial', ['true', 1, {}]],
    ['IsFinal', ['true', 1, {}]],
    ['PartialUploads', ['x', 5, {}, [1], [null], [['a']], ['a\nb'], ['世']]],
    ['PendingFinals', ['x', 5, {}, [1]]],
    ['MaxSize', [-1, 1.5, '5', {}]],
    ['UnverifiedFrom', [-3, '3', 0.5, 1e300, [], {}, true]],
    ['SyncedOffset', [-3, '3', 0.5, {}]],
    ['ToldOffset', [-3, '3', 0.5, {}]],
    ['Digests', ['x', 5, [], { expected: 5 }, { expected: 'a\nb' }]],
  ])('is damaged when %s decides about bytes, and is wrong', (name, values) => {
    for (const value of values) expect(() => parseInfo(text({ [name]: value }), 'a')).toThrow(DamagedInfo);
  });

  it.each([
    ['MetaData', 'metaData', [5, 'x', [], { filename: 5 }, { a: null }], {}],
    ['MetaDataHeader', 'metaDataHeader', [5, 'a\nb', 'a\0', '世', []], undefined],
    ['ConcatHeader', 'concatHeader', [5, 'a\r\nSet-Cookie: x', {}], undefined],
    ['Storage', 'storage', [5, 'x', { Path: 5 }], undefined],
    ['CreatedAt', 'createdAt', [17, 'yesterday', {}, '9'.repeat(400)], undefined],
    ['ExpiresAt', 'expiresAt', [17, 'NaN', [], {}], undefined],
    ['Answer', 'answer', [5, 'x', {}, { statusCode: 99, header: {}, body: '' }], undefined],
    ['Answer', 'answer', [{ statusCode: 422, header: { a: 5 }, body: '' }], undefined],
    ['Untold', 'untold', ['yes', 1, {}, false], undefined],
  ] as const)(
    'goes without %s when that only describes the upload, and is wrong',
    (name, field, values, left) => {
      for (const value of values) expect(parseInfo(text({ [name]: value }), 'a').info[field]).toEqual(left);
    },
  );

  it('takes null for absent, as Go writes it', () => {
    const names = [
      'SizeIsDeferred',
      'State',
      'Protocol',
      'PartialUploads',
      'PendingFinals',
      'MaxSize',
      'Storage',
      'MetaData',
    ];
    const nulls = Object.fromEntries(
      [...names, 'UnverifiedFrom', 'Digests', 'Answer'].map((name) => [name, null]),
    );
    expect(parseInfo(text(nulls), 'a')).toEqual(parseInfo(text({}), 'a'));
  });

  it('has no expiry when it is finished, unless it is a part', () => {
    const fields = { State: 'finished', ExpiresAt: '2020-01-01T00:00:00.000Z' };
    expect(parseInfo(text(fields), 'a').info.expiresAt).toBeUndefined();
    expect(parseInfo(text({ ...fields, IsPartial: true }), 'a').info.expiresAt).toEqual(
      new Date('2020-01-01'),
    );
  });

  it('is damaged when it is finished and has no length', () => {
    expect(() => parseInfo(text({ State: 'finished', SizeIsDeferred: true }), 'a')).toThrow(DamagedInfo);
  });

  it('is damaged by a context that is too deep to be written again, and by no other', () => {
    const context = (levels: number) =>
      `{"ID":"a","Size":1,"SizeIsDeferred":false,"Context":${nested(levels)}}`;
    expect(formatInfo(parseInfo(context(400), 'a'))).toContain(nested(400));
    expect(() => parseInfo(context(600), 'a')).toThrow(DamagedInfo);
    expect(() => parseInfo(context(200_000), 'a')).toThrow(Error);
  });

  it.each([
    ['no field', `{"ID":"a","Size":1,"Junk":${nested(100_000)}}`],
    ['metadata', `{"ID":"a","Size":1,"MetaData":${nested(100_000)}}`],
    ['a state', `{"ID":"a","Size":1,"State":${nested(100_000)}}`],
  ])('of many levels in %s ends with an info or a DamagedInfo', (_, deep) => {
    try {
      parseInfo(deep, 'a');
    } catch (error) {
      expect(error).toBeInstanceOf(DamagedInfo);
    }
  });

  it.each([
    ['empty', ''],
    ['of NUL bytes', '\0'.repeat(300)],
    ['no JSON', 'hello'],
    ['a text', '"hello"'],
    ['a list', '[]'],
    ['null', 'null'],
    ['of another upload', text({}, 'b')],
    ['without an id', '{"Size":1}'],
    ['of something that is no UTF-8', '\ufffd\ufffd{'],
  ])('that is %s is no upload, or the damage of one whose id was made by a server', (_, content) => {
    expect(() => parseInfo(content, 'a')).toThrow(ForeignInfo);
    expect(() => parseInfo(content, MADE)).toThrow(DamagedInfo);
  });

  it('that is torn is damaged, and may be just being written', () => {
    const whole = text({ MetaData: { a: 'b' } });
    for (let length = '{"ID":"a"'.length; length < whole.length; length += 1)
      expect(() => parseInfo(whole.slice(0, length), 'a')).toThrow(expect.objectContaining({ isTorn: true }));
  });

  it('comes back as it was written, and by one byte more as finished', () => {
    const stored = {
      info: infoOf('a', {
        metaData: { state: 'finished' },
        context: { state: 'finished' },
        storage: { state: 'x' },
      }),
      marks: { revision: 3 },
    };
    const { text: written, finishAt } = formatNewInfo(stored);
    expect(finishPositionIn(written, 'a')).toBe(finishAt);
    expect(parseInfo(written, 'a')).toEqual(parseInfo(formatInfo(stored), 'a'));
    const bytes = Buffer.from(written);
    bytes.write(FINISHED_BYTE, finishAt ?? 0);
    const { info } = parseInfo(bytes.toString(), 'a');
    expect(info).toEqual({ ...parseInfo(written, 'a').info, state: 'finished' });
    expect(finishPositionIn(bytes.toString(), 'a')).toBeUndefined();
  });

  it('does not say twice where an upload stands', () => {
    const { text: written } = formatNewInfo({
      info: infoOf('a', { state: 'receiving' }),
      marks: { revision: 1 },
    });
    expect(parseInfo(written, 'a').info.state).toBe('receiving');
    expect(finishPositionIn(written, 'a')).toBeUndefined();
  });
});
