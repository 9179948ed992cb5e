import { RequestMethod, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { mountedPaths } from './mounted-paths.js';

const place = { modulePath: '', path: 'files' };

describe('mountedPaths', () => {
  it.each([
    ['', '/files'],
    ['api', '/api/files'],
    ['/api/', '/api/files'],
    ['a/b', '/a/b/files'],
  ])('puts the global prefix "%s" in front', (prefix, expected) => {
    const config = new ApplicationConfig();
    config.setGlobalPrefix(prefix);
    expect(mountedPaths(config, place)).toEqual([expected]);
  });

  it('puts the version behind the prefix, and the module before the controller', () => {
    const config = new ApplicationConfig();
    config.setGlobalPrefix('api');
    config.enableVersioning({ type: VersioningType.URI });
    expect(mountedPaths(config, { modulePath: '/admin', path: '/files/', version: '1' })).toEqual([
      '/api/v1/admin/files',
    ]);
  });

  it('has one path for each version', () => {
    const config = new ApplicationConfig();
    config.enableVersioning({ type: VersioningType.URI, prefix: 'version-' });
    expect(mountedPaths(config, { ...place, version: ['1', VERSION_NEUTRAL] })).toEqual([
      '/version-1/files',
      '/files',
    ]);
  });

  it('leaves out the version where it is no part of the URL', () => {
    const config = new ApplicationConfig();
    config.enableVersioning({ type: VersioningType.HEADER, header: 'Version' });
    expect(mountedPaths(config, { ...place, version: '1' })).toEqual(['/files']);
  });

  it('heeds what the global prefix leaves out', () => {
    const config = new ApplicationConfig();
    config.setGlobalPrefix('api');
    config.setGlobalPrefixOptions({
      exclude: [{ path: 'files', requestMethod: RequestMethod.ALL, pathRegex: /^\/files(\/.*)?$/ }],
    });
    expect(mountedPaths(config, place)).toEqual(['/files']);
  });

  it('refuses a prefix that leaves out the creation URL only', () => {
    const config = new ApplicationConfig();
    config.setGlobalPrefix('api');
    config.setGlobalPrefixOptions({
      exclude: [{ path: 'files', requestMethod: RequestMethod.ALL, pathRegex: /^\/files\/?$/ }],
    });
    expect(() => mountedPaths(config, place)).toThrow("exclude both 'files' and 'files/*path'");
  });
});
