import type { HookResponse } from '../events/hook-event.js';
import { readHookAnswer, withoutProtocolFields } from './hook-answer.js';

/** What the log says of an answer that is refused. */
function faultOf(answer: unknown): string {
  try {
    readHookAnswer('preUploadCreate', answer);
  } catch (error) {
    return (error as { cause: Error }).cause.message;
  }
  return 'nothing was thrown';
}

describe('readHookAnswer', () => {
  const expiresAt = new Date('2030-01-01');

  it.each<[string, unknown, unknown]>([
    ['nothing', undefined, {}],
    ['null', null, {}],
    ['an empty answer', {}, {}],
    ['undefined members', { changes: undefined, response: { header: undefined } }, { response: {} }],
    [
      'all that there is',
      {
        changes: {
          id: 'a.b_~-1',
          metaData: { name: '报告', flag: '' },
          storage: { path: '/srv/ü' },
          maxSize: 0,
          expiresAt,
          context: { owner: [1, true, null, 'x', { deep: {} }] },
        },
        response: { statusCode: 599, header: { 'X-A': 'ÿ\t', 'x-count': 5 }, body: '' },
      },
      {
        changes: {
          id: 'a.b_~-1',
          metaData: { name: '报告', flag: '' },
          storage: { path: '/srv/ü' },
          maxSize: 0,
          expiresAt,
          context: { owner: [1, true, null, 'x', { deep: {} }] },
        },
        response: { statusCode: 599, header: { 'X-A': 'ÿ\t', 'x-count': '5' }, body: '' },
      },
    ],
    [
      'an object without a prototype',
      Object.assign(Object.create(null), { changes: { id: 'x' } }),
      { changes: { id: 'x' } },
    ],
    [
      'the later of two spellings',
      { response: { header: { 'X-A': '1', 'x-a': '2' } } },
      { response: { header: { 'x-a': '2' } } },
    ],
    [
      'a key that names a prototype',
      { changes: { metaData: JSON.parse('{"__proto__":"x"}') as object } },
      { changes: { metaData: JSON.parse('{"__proto__":"x"}') as object } },
    ],
  ])('takes %s', (_name, answer, expected) => {
    expect(readHookAnswer('preUploadCreate', answer)).toEqual(expected);
  });

  it.each<[unknown, string]>([
    [5, 'the answer is 5: write a plain object'],
    [[], 'the answer is []: write a plain object'],
    [new Map(), 'the answer is Map(0) {}: write a plain object'],
    [{ respnse: {} }, 'respnse is unknown: write changes or response'],
    [{ changes: null }, 'changes is null: write a plain object'],
    [
      { changes: { name: 'x' } },
      'changes.name is unknown: write id, metaData, storage, maxSize, expiresAt, context',
    ],
    [{ changes: { toString: 'x' } }, 'changes.toString is unknown'],
    [{ changes: { id: '../x' } }, "changes.id is '../x': write 1 to 128 of"],
    [
      { changes: { metaData: { 'a b': '' } } },
      "changes.metaData has the key 'a b': write ASCII without spaces and commas",
    ],
    [{ changes: { metaData: { a: 5 } } }, "changes.metaData['a'] is 5: write a text"],
    [{ changes: { storage: { path: null } } }, "changes.storage['path'] is null: write a text"],
    [{ changes: { maxSize: 1.5 } }, 'changes.maxSize is 1.5: write a whole number of bytes'],
    [{ changes: { maxSize: Infinity } }, 'changes.maxSize is Infinity'],
    [
      { changes: { expiresAt: new Date(NaN) } },
      'changes.expiresAt is Invalid Date: write a Date that is valid',
    ],
    [
      { changes: { context: { a: [() => 1] } } },
      'changes.context.a[0] is [Function (anonymous)]: write JSON',
    ],
    [{ changes: { context: [undefined] } }, 'changes.context[0] is undefined: write JSON'],
    [{ changes: { context: new Date(0) } }, 'changes.context is 1970'],
    [
      { response: { header: { 'X-A': 'ё', 'X B': '1' }, statusCode: 7 } },
      "response.header['X-A'] is 'ё': write a text of Latin-1",
    ],
    [{ response: { status: 403 } }, 'response.status is unknown: write statusCode, header or body'],
    [{ response: { body: {} } }, 'response.body is {}: write a text'],
  ])('refuses %j, and says what to write', (answer, text) => {
    expect(faultOf(answer)).toContain(text);
  });

  it('names every part of a response that is wrong', () => {
    const fault = faultOf({ response: { statusCode: 1, header: { 'X B': '1' }, body: 5 } });
    expect(fault).toMatch(/statusCode.*X B.*body/);
  });

  it('shows no more of a value than the log can bear', () => {
    expect(faultOf({ response: { body: { text: 'x'.repeat(10_000) } } }).length).toBeLessThan(250);
    expect(faultOf({ response: { header: { 'X-A': 'ё'.repeat(10_000) } } }).length).toBeLessThan(400);
  });
});

describe('withoutProtocolFields', () => {
  it('takes away what the protocol decides, in any spelling, and says what', () => {
    const header = { 'content-LENGTH': '3', 'X-A': '1', 'Upload-Offset': '9', Location: '/x' };
    expect(withoutProtocolFields({ statusCode: 200, header })).toEqual({
      response: { statusCode: 200, header: { 'X-A': '1', Location: '/x' } },
      ignored: ['content-LENGTH', 'Upload-Offset'],
    });
  });

  it('leaves a response alone that has none of it', () => {
    const response: HookResponse = { body: 'x' };
    expect(withoutProtocolFields(response)).toEqual({ response, ignored: [] });
  });
});
