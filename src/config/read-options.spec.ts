import { parseDuration } from './duration.js';
import { environmentName, FLAGS } from './flags.js';
import { helpText } from './help.js';
import { informationWanted, readOptions, UsageError } from './read-options.js';
import { parseSize } from './size.js';
import { unknownVariables } from './unknown-variables.js';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['1.5s', 1_500],
  ])('reads %s', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each([
    '',
    '10',
    '-1s',
    '5 m',
    '1d',
    's',
    '1e3s',
    '99999999999999h',
    '0.4ms',
    ' 1s',
    '1s\n',
    '1S',
    '1m1s',
    '+1s',
    '٣s',
  ])('refuses "%s"', (text) => expect(parseDuration(text)).toBeUndefined());
});

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['8KiB', 8_192],
    ['64MiB', 67_108_864],
    ['1.5GiB', 1_610_612_736],
    ['5TiB', 5_497_558_138_880],
  ])('reads %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each([
    '',
    '-1',
    '1.5',
    '64mb',
    '64 MiB',
    'MiB',
    '9007199254740993',
    '8388608TiB',
    '1.5B',
    '64MIB',
    '64M',
    '1e3',
    ' 1',
    '0x10',
    '1_000',
  ])('refuses "%s"', (text) => expect(parseSize(text)).toBeUndefined());
});

describe('readOptions', () => {
  it('has the defaults of the table', () => {
    expect(readOptions([], {})).toEqual({
      host: '0.0.0.0',
      port: 8080,
      basePath: '/files/',
      store: 'file',
      uploadDir: './data',
      durability: 'crash',
      locker: 'memory',
      redisUrl: 'redis://127.0.0.1:6379',
      s3Bucket: '',
      s3Endpoint: '',
      s3Region: '',
      s3ObjectPrefix: '',
      s3PartSize: 8_388_608,
      s3MinPartSize: 5_242_880,
      s3PresignedDownloads: 0,
      s3PublicEndpoint: '',
      maxSize: 0,
      enableExperimentalProtocol: false,
      minSize: 0,
      minAppendSize: 0,
      maxAppendSize: 0,
      maxMetadataSize: 8192,
      maxPartials: 1000,
      expireAfter: 0,
      expireSweepInterval: 60_000,
      networkTimeout: 60_000,
      headerTimeout: 60_000,
      keepAliveTimeout: 75_000,
      maxConnections: 0,
      acquireLockTimeout: 20_000,
      shutdownTimeout: 10_000,
      progressInterval: 1_000,
      disableDownload: false,
      disableTermination: false,
      disableConcatenation: false,
      disableCors: false,
      corsAllowOrigin: /.*/,
      behindProxy: false,
      exposeMetrics: false,
      workers: 1,
      logLevel: 'log',
    });
  });

  it('reads a value behind the flag and after an equals sign', () => {
    expect(readOptions(['--port', '0', '--max-size=64MiB'], {})).toMatchObject({
      port: 0,
      maxSize: 67_108_864,
    });
  });

  it('lets the flag win over the environment, and the environment over the default', () => {
    const environment = { TUS_PORT: '1', TUS_UPLOAD_DIR: '/tmp/uploads', TUS_DISABLE_CORS: 'true' };
    expect(readOptions(['--port', '2'], environment)).toMatchObject({
      port: 2,
      uploadDir: '/tmp/uploads',
      disableCors: true,
    });
  });

  it('takes an empty variable for none', () => {
    expect(readOptions([], { TUS_PORT: '' }).port).toBe(8080);
  });

  it.each([
    [['--disable-download'], true],
    [['--disable-download=true'], true],
    [['--disable-download=false'], false],
    [['--disable-download=off'], false],
  ])('reads the switch %j as %s', (args, expected) =>
    expect(readOptions(args, {}).disableDownload).toBe(expected),
  );

  it.each([
    ['files', '/files/'],
    ['/api/files', '/api/files/'],
    ['/', '/'],
  ])('brings the base path %s into the form %s', (given, expected) =>
    expect(readOptions(['--base-path', given], {}).basePath).toBe(expected),
  );

  it.each([
    [['--help'], 'help'],
    [['-h'], 'help'],
    [['--version'], 'version'],
    [['--port', '5', '--version'], 'version'],
    [['--port', '5'], undefined],
  ])('says what %j asks for in place of a server', (args, expected) => {
    expect(informationWanted(args)).toBe(expected);
  });

  it('takes the last of a flag that is given twice', () => {
    expect(readOptions(['--port', '1', '--port=2', '--disable-cors', '--disable-cors=no'], {})).toMatchObject(
      {
        port: 2,
        disableCors: false,
      },
    );
  });

  it.each([
    [['--frobnicate'], /unknown flag --frobnicate/],
    [['--uploads-dir', 'x'], /unknown flag --uploads-dir/],
    [['--port-number', '1'], /did you mean --port\?/],
    [['-x'], /unknown flag -x/],
    [['files'], /unexpected argument "files"/],
    [['--port'], /--port wants a value/],
    [['--port', '70000'], /--port wants a port from 0 to 65535, not "70000"/],
    [['--port='], /--port wants a port from 0 to 65535, not ""/],
    [['--port', '-1'], /--port wants a value, e.g. --port=8080/],
    [['--port=-1'], /--port wants a port from 0 to 65535, not "-1"/],
    [['--port', '80.0'], /--port wants a port/],
    [['--port', '8e3'], /--port wants a port/],
    [['--upload-dir', '--behind-proxy'], /--upload-dir wants a value, e.g. --upload-dir=.\/data/],
    [['--upload-dir', ' '], /--upload-dir wants a value that is not empty/],
    [['--disable-cors='], /--disable-cors wants nothing, or =true or =false, not ""/],
    [['--disable-cors=constructor'], /--disable-cors wants nothing/],
    [['--disable-cors=__proto__'], /--disable-cors wants nothing/],
    [['--disable-cors', 'true'], /unexpected argument "true"/],
    [
      ['--expire-after', '2400000000h'],
      /--expire-after wants a duration .* at most 8760000h, not "2400000000h"/,
    ],
    [['--expire-after', '0.4ms'], /--expire-after wants a duration/],
    [['--max-size', '9007199254740993'], /--max-size wants a number of bytes/],
    [
      ['--max-size', '1MiB', '--min-size', '2MiB'],
      /--min-size wants at most --max-size, 1048576, not 2097152/,
    ],
    [
      ['--max-append-size', '1', '--min-append-size', '2'],
      /--min-append-size wants at most --max-append-size/,
    ],
    [['--cors-allow-origin='], /--cors-allow-origin wants a regular expression that is not empty/],
    [['--__proto__'], /unknown flag --__proto__/],
    [['--bad\nname'], /unknown flag --bad\\nname/],
    [['--port', 'http'], /--port wants a port/],
    [['--max-size', '5 apples'], /--max-size wants a number of bytes/],
    [['--network-timeout', '10'], /--network-timeout wants a duration from 1ms to 596h/],
    [['--network-timeout', '0'], /--network-timeout wants a duration from 1ms/],
    [['--network-timeout', '9999h'], /--network-timeout wants a duration from 1ms/],
    [['--store', 'tape'], /--store wants one of file, memory, s3, not "tape"/],
    [['--durability', 'none'], /--durability wants one of crash, power-loss/],
    [['--cors-allow-origin', '('], /--cors-allow-origin wants a regular expression/],
    [['--base-path', '/a/:b/'], /--base-path wants a path/],
    [['--base-path', '/../'], /--base-path wants a path/],
    [['--disable-cors=perhaps'], /--disable-cors wants nothing, or =true or =false/],
    [['--workers', '0'], /--workers wants a number from 1/],
    [['--workers', '2'], /--workers 2 needs a locker that spans processes: use --locker file/],
    [['--workers', '2', '--locker', 'file', '--store', 'memory'], /needs a store that all processes see/],
    [['--store', 's3'], /--store s3 needs a bucket: use --s3-bucket/],
    [['--store', 's3', '--s3-bucket', 'b', '--s3-part-size', '1MiB'], /--s3-part-size wants a size from/],
    [['--s3-presigned-downloads', '200h'], /--s3-presigned-downloads wants a duration from 1s to 168h/],
    [['--s3-presigned-downloads', '10ms'], /--s3-presigned-downloads wants a duration from 1s/],
    [
      ['--store', 's3', '--s3-bucket', 'b', '--s3-public-endpoint', 'https://s3.example.com'],
      /use --s3-presigned-downloads 5m with it/,
    ],
    [['--s3-endpoint', 's3.example.com'], /--s3-endpoint wants a URL/],
    [['--redis-url', 'localhost:6379'], /--redis-url wants a URL such as redis:/],
    [['--redis-url', 'redis://localhost/uploads'], /--redis-url wants a URL such as redis:/],
  ])('refuses %j in one line', (args, message) => {
    expect(() => readOptions(args, {})).toThrow(UsageError);
    expect(() => readOptions(args, {})).toThrow(message);
  });

  it('takes 0 for a sweep that another process does', () => {
    expect(readOptions(['--expire-sweep-interval', '0'], {})).toMatchObject({ expireSweepInterval: 0 });
    expect(() => readOptions(['--expire-sweep-interval', '700h'], {})).toThrow(
      /wants a duration from 1ms to 596h/,
    );
  });

  it('does not repeat a password that stands in a bad value', () => {
    expect(() => readOptions(['--redis-url', 'redis:/:secret@host'], {})).toThrow(/^((?!secret).)*$/);
  });

  it.each([
    [['--s3-endpoint', 'https://ada:s3cret@s3.example.com']],
    [['--s3-endpoint', 'ada:s3cret@s3.example.com']],
    [['--s3-endpoint', 'https://s3.example.com/?token=s3cret']],
    [['--s3-public-endpoint', 'https://ada:s3cret@s3.example.com']],
    [['--redis-url', 'redis://:s3cret@host/uploads']],
    [['--redis-url', 'http://:s3cret@host']],
    [['--locker', 'redis://:s3cret@host']],
    [['--locker', 'redis', 'redis://:s3cret@host']],
    [['--redis-url=redis://a', '--redis://:s3cret@host']],
  ])('does not repeat the secret of %j, in one line', (args) => {
    expect(() => readOptions(args, {})).toThrow(UsageError);
    expect(() => readOptions(args, {})).toThrow(/^((?!s3cret).)*$/);
  });

  it('reads switches of the environment', () => {
    expect(readOptions([], { TUS_DISABLE_CORS: 'off', TUS_BEHIND_PROXY: '1' })).toMatchObject({
      disableCors: false,
      behindProxy: true,
    });
    expect(() => readOptions([], { TUS_DISABLE_CORS: 'true ' })).toThrow(
      /^TUS_DISABLE_CORS wants .* not "true "$/,
    );
    expect(() => readOptions([], { TUS_PORT: '9000\r' })).toThrow(/^TUS_PORT wants .* not "9000\\r"$/);
  });

  it('names the variable when the bad value is in the environment', () => {
    expect(() => readOptions([], { TUS_WORKERS: 'many' })).toThrow(/^TUS_WORKERS wants/);
  });
});

describe('every flag', () => {
  /** Any text may be the name of something. */
  const free = ['s3-bucket', 's3-region', 's3-object-prefix'];

  it.each(Object.values(FLAGS).map(({ name }) => name))('--%s is checked, as its variable is', (name) => {
    const variable = environmentName(name);
    expect(() => readOptions([`--${name}zz=1`], {})).toThrow(`unknown flag --${name}zz`);
    if (free.includes(name)) return;
    // Blanks are no text, and an open bracket is no expression.
    const wrong = name === 'cors-allow-origin' ? '(' : ' ';
    expect(() => readOptions([`--${name}=${wrong}`], {})).toThrow(`--${name} wants `);
    expect(() => readOptions([], { [variable]: wrong })).toThrow(`${variable} wants `);
  });
});

describe('unknownVariables', () => {
  it.each([
    [
      { TUS_PROT: '9000' },
      ['TUS_PROT is no variable of this server and has no effect: did you mean TUS_PORT?'],
    ],
    [{ TUS_UPLOADDIR: 'x' }, [expect.stringMatching(/did you mean TUS_UPLOAD_DIR\?$/)]],
    [
      { TUS_PASSWORD: 's3cret' },
      [expect.stringMatching(/^TUS_PASSWORD is no variable((?!s3cret).)*see --help$/)],
    ],
    [{ TUS_PORT: '1', TUS_DISABLE_CORS: '' }, []],
    [{ TUSD_PORT: '1', MY_TUS_PROT: '1', PORT: '1' }, []],
    [
      {
        TUS_SERVICE_HOST: 'a',
        TUS_SERVICE_PORT_HTTP: '1',
        TUS_PORT_8080_TCP_ADDR: 'a',
        TUS_PORT_80_TCP: 'a',
      },
      [],
    ],
  ])('of %j', (environment, lines) => expect(unknownVariables(environment)).toEqual(lines));
});

describe('helpText', () => {
  it('names every flag and its default', () => {
    for (const { name, fallback, kind } of Object.values(FLAGS)) {
      const line = helpText()
        .split('\n')
        .find((candidate) => candidate.includes(`--${name} `));
      expect(line).toBeDefined();
      if (kind.placeholder) expect(line).toContain(`(${fallback || 'none'})`);
    }
  });
});
