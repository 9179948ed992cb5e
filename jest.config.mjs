/** Sources of the libs are found without a build; the server that end-to-end tests start is built by the global set-up. */
export const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^@nestjs-tus/([^/]+)/testing$': '<rootDir>/libs/$1/src/testing/index.ts',
    '^@nestjs-tus/([^/]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^nestjs-tus$': '<rootDir>/libs/nestjs-tus/src/index.ts',
    '^nestjs-tus/([^/]+)$': '<rootDir>/libs/nestjs-tus/src/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/libs/[^/]+/dist/'],
  testTimeout: 30_000,
};

export default {
  ...shared,
  testMatch: [
    '<rootDir>/libs/*/src/**/*.spec.ts',
    '<rootDir>/src/**/*.spec.ts',
    '<rootDir>/lint/**/*.spec.ts',
    '<rootDir>/test/**/*.e2e-spec.ts',
  ],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/services/'],
  globalSetup: '<rootDir>/test/build-once.mjs',
};
