import type { SeededRandom } from '../../harness/seeded-random.js';
import { CONTENT, FINISHED, UNFINISHED } from './watched-store.js';

export interface OddRequest {
  readonly method: string;
  readonly target: string;
  /** A header that comes twice is there twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Statuses of which one must come: the request is a right one. */
  readonly expected?: readonly number[];
}

const VERBS = ['HEAD', 'GET', 'PATCH', 'DELETE', 'POST', 'PUT', 'OPTIONS'];
const RARE_VERBS = ['TRACE', 'PROPFIND', 'SEARCH', 'QUERY', 'LOCK'];
const OVERRIDES = [
  ...VERBS,
  'patch',
  'Delete',
  'X',
  '',
  'HEAD ',
  'DELETE,GET',
  'POST, POST',
  '\xe9',
  'CONNECT',
];
const TUS = ['Tus-Resumable', '1.0.0'] as const;

type Change = (path: string, random: SeededRandom) => string;

/** Puts a text somewhere into a path. */
const inserting =
  (...texts: string[]): Change =>
  (path, random) => {
    const at = random.below(path.length + 1);
    return path.slice(0, at) + random.pick(texts) + path.slice(at);
  };

/** Replaces one of the characters that match. */
const replacing =
  (pattern: RegExp, replace: (character: string, random: SeededRandom) => string): Change =>
  (path, random) => {
    const places = [...path.matchAll(pattern)];
    if (places.length === 0) return path;
    const { index, 0: found } = random.pick(places);
    return path.slice(0, index) + replace(found, random) + path.slice(index + found.length);
  };

const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0');
const escaped = (character: string, random: SeededRandom) =>
  `%${random.chance(0.5) ? hex(character) : hex(character).toUpperCase()}`;

const CHANGES: readonly Change[] = [
  replacing(/[A-Za-z0-9~._-]/g, escaped),
  replacing(/[A-Za-z0-9~._-]/g, (character) => `%25${hex(character)}`),
  replacing(/\//g, (_slash, random) => random.pick(['\\', '%2F', '%2f', '%5C', '%252F', '//', '/\\', '\\/'])),
  replacing(/\//g, (_slash, random) =>
    random.pick(['/./', '/%2e/', '/x/../', '/x/%2E%2e/', '/x/..%2f', '/.;/', '/..;/../']),
  ),
  replacing(/\/|$/g, (slash, random) => `${random.pick([';', ';a=b', ';/..'])}${slash}`),
  replacing(/[a-z]/g, (letter) => letter.toUpperCase()),
  replacing(/[A-Z]/g, (letter) => letter.toLowerCase()),
  replacing(/k|s/gi, (_letter, random) => random.pick(['%E2%84%AA', '%C5%BF', '\xe2\x84\xaa'])),
  inserting('%00', '%', '%zz', '%ff', '%C0%AF', '%E2%80%8B', '%0a', '%09', '%20', '+'),
  inserting('\xe9', '\xa0', '\x85', '|', '{', '"', '^', '`', '<', ':', '@', '*', '(', ',', '=', '&'),
  // Some parsers of URLs take a backslash for a slash, and are asked only where something else is odd.
  (path, random) =>
    replacing(/\//g, () => '\\')(path, random) + random.pick(['#', '?#', '?\xa0', '\xa0', '#?']),
  inserting('#', '?', '?#', '#?', '??', '/#/', '?/../'),
  (path) => `${path}/`,
  (path) => `${path}//`,
  (path, random) =>
    path +
    random.pick([
      '#',
      '?',
      '?#',
      '?a=b',
      '?a=\\',
      '#/../x',
      '/.',
      '/..',
      '/../files',
      '%2F',
      '/%2e',
      '.',
      '%20',
      ':80',
    ]),
  (path, random) =>
    random.pick([
      'http://h',
      'HTTP://h',
      'https://h:8443',
      'http://[::1]',
      'x://y',
      'http:',
      'http:/',
      'http://',
      'http:\\\\h',
      'http://h\\',
      'http://a@h',
      'http://h#',
      'http://h?',
      'file://',
      '//h',
      '/',
      '\\',
      '\\\\h',
      'h:80',
      '?',
      '*',
      '.',
      ' ',
      '',
    ]) + path,
];

/** An id of an upload that is there, mostly. */
function anyId(random: SeededRandom): string {
  return random.pick([...FINISHED, ...FINISHED, UNFINISHED, UNFINISHED, 'f00', '..', '.', 'a b']);
}

function changed(path: string, random: SeededRandom, most: number): string {
  let result = path;
  for (let left = random.below(most + 1); left > 0; left--) result = random.pick(CHANGES)(result, random);
  return result;
}

/** @param collection path of the creation URL, without a slash at its end; empty for the root */
export function oddRequest(collection: string, random: SeededRandom): OddRequest {
  if (random.chance(0.25)) return rightRequest(collection, random);
  const path = random.chance(0.25) ? collection || '/' : `${collection}/${anyId(random)}`;
  const method = random.chance(0.95) ? random.pick(VERBS) : random.pick(RARE_VERBS);
  const headers: [string, string][] = [...protocolHeaders(random)];
  for (let left = random.pick([0, 0, 0, 1, 1, 2]); left > 0; left--) {
    headers.push(['X-HTTP-Method-Override', random.pick(OVERRIDES)]);
  }
  for (let left = random.pick([0, 0, 1, 1, 2]); left > 0; left--) {
    headers.push(['Upload-Concat', oddConcat(collection, random)]);
  }
  if (random.chance(0.3)) headers.push(['Upload-Length', String(CONTENT.length)]);
  if (random.chance(0.6)) headers.push(['Upload-Offset', String(CONTENT.length)]);
  if (random.chance(0.6)) headers.push(['Content-Type', random.pick(MEDIA_TYPES)]);
  const body = ['HEAD', 'GET', 'TRACE'].includes(method) || random.chance(0.4) ? '' : CONTENT;
  return { method, target: changed(path, random, 3), headers, body };
}

const MEDIA_TYPES = [
  'application/offset+octet-stream',
  'application/partial-upload',
  'application/json',
  'application/x-www-form-urlencoded',
];

function protocolHeaders(random: SeededRandom): readonly [string, string][] {
  const draft: [string, string][] = [
    ['Upload-Draft-Interop-Version', random.pick(['9', '8', '6', '3', 'x'])],
    [random.pick(['Upload-Complete', 'Upload-Incomplete']), random.pick(['?1', '?0'])],
  ];
  const kind = random.below(10);
  if (kind < 6) return [[...TUS]];
  if (kind < 8) return draft;
  return kind < 9 ? [[...TUS], ...draft] : [];
}

function oddConcat(collection: string, random: SeededRandom): string {
  if (random.chance(0.1))
    return random.pick(['', ' ', 'partial', 'final', 'final;', 'final; ', 'Final;ada', 'final;;ada']);
  const members = Array.from({ length: 1 + random.below(3) }, () => oddMember(collection, random));
  return `final;${members.join(random.pick([' ', '  ', ',', ', ', '\t', ';']))}`;
}

function oddMember(collection: string, random: SeededRandom): string {
  const id = anyId(random);
  const start = random.pick([
    `${collection}/`,
    `${collection}/`,
    '',
    './',
    'http://127.0.0.1/',
    'http://127.0.0.1',
  ]);
  return changed(`${start}${id}`, random, 2).replaceAll(' ', '%20');
}

/** A request that must succeed. */
function rightRequest(collection: string, random: SeededRandom): OddRequest {
  const id = random.pick(FINISHED);
  const slash = random.pick(['', '', '/']);
  const query = random.pick(['', '', '?a=b', '?token=/x//..\\']);
  const origin = random.pick(['', '', '', 'http://example.com']);
  const spelled = random.chance(0.7) ? id : changedWith(id, escaped, random);
  const upload = `${origin}${collection}/${spelled}${slash}${query}`;
  const half = `${collection}/${UNFINISHED}${slash}${query}`;
  const creation = `${origin}${collection}${collection === '' ? '/' : slash}${query}`;
  const tus = (
    method: string,
    target: string,
    expected: number,
    headers: [string, string][] = [],
    body = '',
  ) => ({
    ...{ method, target, body, expected: [expected] },
    headers: [[...TUS] as [string, string], ...headers],
  });
  const overridden = (method: string): [string, string] => ['X-HTTP-Method-Override', method];
  const appending: [string, string][] = [
    ['Upload-Offset', String(CONTENT.length)],
    ['Content-Type', 'application/offset+octet-stream'],
  ];
  const joining: [string, string] = [
    'Upload-Concat',
    `final;${collection}/${spelled} ${random.pick(FINISHED)}`,
  ];
  return random.pick<OddRequest>([
    tus('HEAD', upload, 200),
    tus('GET', upload, 200),
    tus('DELETE', upload, 204),
    tus('PATCH', half, 204, appending, CONTENT),
    tus('POST', creation, 201, [['Upload-Length', '5']]),
    tus('POST', creation, 201, [joining]),
    tus(random.pick(['POST', 'GET', 'PUT']), upload, 204, [overridden('DELETE')]),
    tus('POST', upload, 200, [overridden('HEAD')]),
    tus('PUT', creation, 201, [overridden('POST'), joining]),
    {
      method: random.pick(['POST', 'PUT']),
      target: creation,
      headers: [
        ['Upload-Draft-Interop-Version', '9'],
        ['Upload-Complete', '?1'],
      ],
      body: CONTENT,
      expected: [200, 201],
    },
  ]);
}

function changedWith(text: string, replace: typeof escaped, random: SeededRandom): string {
  return replacing(/[A-Za-z0-9~._-]/g, replace)(text, random);
}
