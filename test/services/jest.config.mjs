import { shared } from '../../jest.config.mjs';

/** Tests that need more than Node: Debian's packages (see `install`) or the npm registry. */
export default {
  ...shared,
  testMatch: ['<rootDir>/test/services/**/*.e2e-spec.ts'],
  testTimeout: 240_000,
};
