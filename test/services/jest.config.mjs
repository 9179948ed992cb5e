import { shared } from '../../jest.config.mjs';

/** Tests that need more than Node: Debian's packages (see `install`) or the npm registry. */
const services = {
  ...shared,
  displayName: 'services',
  testMatch: ['<rootDir>/test/services/**/*.e2e-spec.ts'],
};

/** The end-to-end tests of tus once more, with uploads in a bucket and locks in Redis. */
const onS3 = {
  ...shared,
  displayName: 'on S3 and Redis',
  moduleNameMapper: {
    '/backend\\.js$': '<rootDir>/test/services/s3-redis-backend.ts',
    ...shared.moduleNameMapper,
  },
  testMatch: ['protocol/*', 'clients/tus-js-client'].map((name) => `<rootDir>/test/${name}.e2e-spec.ts`),
  globalSetup: '<rootDir>/test/services/s3-redis-started.mjs',
  globalTeardown: '<rootDir>/test/services/s3-redis-stopped.mjs',
};

// Jest takes the timeout of the whole, not that of a project.
export default { projects: [services, onS3], testTimeout: 240_000 };
