import { RequestMethod, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import type { VersioningOptions } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';

/** Where a controller was put, as its metadata say. */
export interface ControllerPlace {
  /** Of RouterModule; empty without. */
  readonly modulePath: string;
  readonly path: string;
  /** Of the controller or the app's default; undefined when the app has no versions. */
  readonly version?: VersioningOptions['defaultVersion'];
}

/** A route of the endpoint: one of each kind tells whether the global prefix leaves both out. */
const CREATION = { method: RequestMethod.POST, path: '' };
const UPLOAD = { method: RequestMethod.PATCH, path: '/:id' };

/**
 * The paths at which Nest serves a controller: global prefix and its exclusions, URI versions, RouterModule, in the
 * order that its router puts them.
 *
 * @throws Error when the global prefix leaves out the creation URL and not the uploads, or the other way round
 */
export function mountedPaths(config: ApplicationConfig, place: ControllerPlace): string[] {
  return versionPrefixes(config.getVersioning(), place.version).map((versionPrefix) => {
    const local = joined(place.modulePath, place.path);
    const prefixOf = (route: typeof CREATION) =>
      isExcluded(config, `${local}${route.path}` || '/', route.method) ? '' : config.getGlobalPrefix();
    const prefix = prefixOf(CREATION);
    if (prefix !== prefixOf(UPLOAD)) {
      throw new Error(
        `the global prefix leaves out only a part of "${local}": exclude both '${local.slice(1)}' and '${local.slice(1)}/*path'`,
      );
    }
    return joined(prefix, versionPrefix, local) || '/';
  });
}

function versionPrefixes(
  versioning: VersioningOptions | undefined,
  version: VersioningOptions['defaultVersion'],
): string[] {
  if (versioning?.type !== VersioningType.URI || !version) return [''];
  const prefix = versioning.prefix === false ? '' : (versioning.prefix ?? 'v');
  const versions = Array.isArray(version) ? version : [version];
  return versions.map((one) => (one === VERSION_NEUTRAL ? '' : `${prefix}${String(one)}`));
}

function isExcluded(config: ApplicationConfig, path: string, method: RequestMethod): boolean {
  const excluded = config.getGlobalPrefixOptions().exclude ?? [];
  return excluded.some(
    ({ requestMethod, pathRegex }) =>
      (requestMethod === RequestMethod.ALL || requestMethod === method) && pathRegex.test(path),
  );
}

/** `/a/b` of parts that may have slashes at their ends; empty when all are. */
function joined(...parts: string[]): string {
  const segments = parts.flatMap((part) => part.split('/')).filter((segment) => segment !== '');
  return segments.map((segment) => `/${segment}`).join('');
}
