import { nearName } from './near-name.js';
import { hideSecrets } from './show-value.js';

describe('hideSecrets', () => {
  it.each([
    ['redis://:s3cret@host:6379/0', 'redis://***@host:6379/0'],
    ['redis://ada:s3/cr?et@host', 'redis://***@host'],
    ['redis://ada:s3@cret@host', 'redis://***@host'],
    ['redis:/:s3cret@host', 'redis:/***@host'],
    ['rediss//:s3cret@host', '***@host'],
    ['ada:s3cret@host:6379', 'ada:***@host:6379'],
    ['s3cret@host', '***@host'],
    ['https://host/?X-Amz-Signature=s3cret&a=s3cret', 'https://host/?X-Amz-Signature=***&a=***'],
    ['redis://:s3\ncret@host', 'redis://***@host'],
    ['https://host:9000/bucket', 'https://host:9000/bucket'],
    ['./uploads', './uploads'],
  ])('%s', (text, expected) => expect(hideSecrets(text)).toBe(expected));
});

describe('nearName', () => {
  const known = [
    'allowOrigin',
    'allowCredentials',
    'allowHeaders',
    'exposeHeaders',
    'maxAge',
    'sweepInterval',
    'port',
  ];

  it.each([
    ['origin', 'allowOrigin'],
    ['credentials', 'allowCredentials'],
    ['allowedHeaders', 'allowHeaders'],
    ['exposedHeaders', 'exposeHeaders'],
    ['max-age', 'maxAge'],
    ['MAX_AGE', 'maxAge'],
    ['maxaeg', 'maxAge'],
    ['interval', 'sweepInterval'],
    ['prot', 'port'],
    ['port-number', 'port'],
    ['zebra', undefined],
    ['a', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ])('of %s', (wrong, expected) => expect(nearName(wrong, known)).toBe(expected));
});
