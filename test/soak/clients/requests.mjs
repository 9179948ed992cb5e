import { CHECKSUMS, FIELDS, META_DATA, METHODS, ODD_VALUES, OVERRIDES, STRUCTURED } from './odd-fields.mjs';

/**
 * Requests of hostile clients: each begins as a plausible one of either protocol, and is then changed at random.
 */
const CHARACTERS_OF_ID = '0123456789abcdef';
const INTEROPS = [3, 4, 5, 6, 7, 8, 9];
const SIZES = [0, 1, 5, 10, 100, 1_000, 5_000, 70_000];

/**
 * A plausible request.
 * @param ids of uploads that exist, or did
 * @param path of the endpoint, with a slash at the end
 * @returns method, target, headers as a list of pairs, and body
 */
export function plausible(random, path, ids) {
  const id = ids.length > 0 && random.chance(0.9) ? random.pick(ids) : unknownId(random);
  const [act] = [random.pick(PLAUSIBLE)];
  return {
    random,
    path,
    target: `${path}${encodeURIComponent(id)}`,
    body: Buffer.alloc(0),
    ...act({ random, path, id, ids }),
  };
}

const tus = (...headers) => [['Tus-Resumable', '1.0.0'], ...headers];
const OFFSET_STREAM = ['Content-Type', 'application/offset+octet-stream'];

const PLAUSIBLE = [
  ({ random, path }) => ({
    method: 'POST',
    target: path,
    headers: tus(['Upload-Length', `${random.pick(SIZES)}`], ['Upload-Metadata', random.pick(META_DATA)]),
  }),
  ({ random, path }) => ({
    method: 'POST',
    target: path,
    headers: tus(['Upload-Length', `${random.pick(SIZES)}`]),
  }),
  ({ path }) => ({ method: 'POST', target: path, headers: tus(['Upload-Defer-Length', '1']) }),
  ({ random, path }) => ({
    method: 'POST',
    target: path,
    headers: tus(['Upload-Length', `${random.pick(SIZES)}`], ['Upload-Concat', 'partial']),
  }),
  creationWithUpload,
  creationWithUpload,
  ({ random, path, ids }) => {
    const members = Array.from({ length: random.between(1, 4) }, () =>
      ids.length > 0 ? random.pick(ids) : 'x',
    );
    return {
      method: 'POST',
      target: path,
      headers: tus([
        'Upload-Concat',
        `final;${members.map((member) => `${path}${encodeURIComponent(member)}`).join(' ')}`,
      ]),
    };
  },
  append,
  append,
  append,
  () => ({ method: 'HEAD', headers: tus() }),
  () => ({ method: 'HEAD', headers: tus() }),
  () => ({ method: 'GET', headers: [] }),
  ({ random }) => ({ method: 'GET', headers: [['Range', random.pick(FIELDS.Range)]] }),
  () => ({ method: 'DELETE', headers: tus() }),
  ({ random, path }) => ({
    method: 'OPTIONS',
    ...(random.chance(0.5) && { target: path }),
    headers: [
      ['Origin', 'https://a.test'],
      ['Access-Control-Request-Method', 'PATCH'],
    ],
  }),
  draftCreation,
  draftCreation,
  draftAppend,
  draftAppend,
  ({ random }) => ({
    method: random.pick(['HEAD', 'GET', 'DELETE']),
    headers: [['Upload-Draft-Interop-Version', `${random.pick(INTEROPS)}`]],
  }),
];

function creationWithUpload({ random, path }) {
  const body = random.bytes(random.pick(SIZES));
  const length = random.chance(0.8) ? body.length : body.length + 10;
  return { method: 'POST', target: path, body, headers: tus(['Upload-Length', `${length}`], OFFSET_STREAM) };
}

function append({ random }) {
  const headers = tus(['Upload-Offset', `${random.chance(0.7) ? 0 : random.pick(SIZES)}`], OFFSET_STREAM);
  if (random.chance(0.2)) headers.push(['Upload-Length', `${random.pick(SIZES)}`]);
  if (random.chance(0.2)) headers.push(['Upload-Checksum', random.pick(CHECKSUMS)]);
  return { method: 'PATCH', headers, body: random.bytes(random.pick(SIZES)) };
}

function draftHeaders(random, complete) {
  const interop = random.pick(INTEROPS);
  const field =
    interop === 3
      ? ['Upload-Incomplete', complete ? '?0' : '?1']
      : ['Upload-Complete', complete ? '?1' : '?0'];
  return [['Upload-Draft-Interop-Version', `${interop}`], field];
}

function draftCreation({ random, path }) {
  const body = random.bytes(random.pick(SIZES));
  const headers = draftHeaders(random, random.chance(0.5));
  if (random.chance(0.3)) headers.push(['Upload-Length', `${body.length}`]);
  if (random.chance(0.2)) headers.push(['Repr-Digest', random.pick(STRUCTURED)]);
  return { method: random.pick(['POST', 'POST', 'PUT']), target: path, headers, body };
}

function draftAppend({ random }) {
  const headers = draftHeaders(random, random.chance(0.5));
  headers.push(
    ['Upload-Offset', `${random.chance(0.6) ? 0 : random.pick(SIZES)}`],
    ['Content-Type', 'application/partial-upload'],
  );
  return { method: 'PATCH', headers, body: random.bytes(random.pick(SIZES)) };
}

/** Changes a request in up to three places. */
export function mutated(request) {
  const { random } = request;
  for (let changes = random.pick([0, 0, 1, 1, 2, 3]); changes > 0; changes--) random.pick(MUTATIONS)(request);
  return request;
}

const MUTATIONS = [
  dropField,
  replaceField,
  replaceField,
  addField,
  addField,
  addField,
  (request) => request.headers.push(...request.headers.slice(0, 1)),
  (request) => void (request.method = request.random.pick(METHODS)),
  (request) => request.headers.push(['X-HTTP-Method-Override', request.random.pick(OVERRIDES)]),
  (request) => void (request.target = oddTarget(request)),
  (request) => void (request.target = oddTarget(request)),
];

function dropField({ random, headers }) {
  if (headers.length > 0) headers.splice(random.below(headers.length), 1);
}

function replaceField({ random, headers }) {
  if (headers.length === 0) return;
  const field = headers[random.below(headers.length)];
  headers[headers.indexOf(field)] = [field[0], random.pick(FIELDS[field[0]] ?? ODD_VALUES)];
}

function addField({ random, headers }) {
  const name = random.pick(Object.keys(FIELDS));
  headers.push([name, random.pick(random.chance(0.8) ? FIELDS[name] : ODD_VALUES)]);
}

/** The same upload, the collection, or nothing, by an odd name. */
function oddTarget({ random, path, target }) {
  const id = target.slice(path.length) || 'x';
  return random.pick([
    '/',
    '*',
    '//',
    path.slice(0, -1),
    `${path}/`,
    `${path}${id}/`,
    `${path}${id}?a=b`,
    `${path}${id}#`,
    `${path}${id};a=b`,
    `/%66iles/${id}`,
    `/FILES/${id}`,
    `//files/${id}`,
    `/files//${id}`,
    `/files\\${id}`,
    `/./files/${id}`,
    `/files/../files/${id}`,
    `/files/%2e%2e/${id}`,
    `x://y/files/${id}`,
    `http://a.test/files/${id}`,
    `http://[/files/${id}`,
    `${path}%`,
    `${path}%00`,
    `${path}%ff`,
    `${path}${id}%2F..`,
    `${path}${id}.info`,
    `${path}.locks`,
    `${path}..`,
    `${path}__proto__`,
    `${path}é`,
    `${path}${'x'.repeat(3_000)}`,
    `?${path}`,
    `files/${id}`,
  ]);
}

export function unknownId(random) {
  return Array.from({ length: 32 }, () => random.pick([...CHARACTERS_OF_ID])).join('');
}
