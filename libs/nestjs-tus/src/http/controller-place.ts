import type { Type, VersioningOptions } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { ControllerPlace } from './mounted-paths.js';

/** Where Nest keeps what `Controller()` and `RouterModule.register()` were given. Its constants are no public API. */
const PATH_METADATA = 'path';
const VERSION_METADATA = '__version__';
const MODULE_PATH_METADATA = '__module_path__';

/** Where a controller was put. */
export function placeOf(
  controller: Type,
  modules: ModulesContainer,
  config: ApplicationConfig,
): ControllerPlace {
  const host = [...modules.values()].find(({ controllers }) => controllers.has(controller))?.metatype;
  const version = Reflect.getMetadata(VERSION_METADATA, controller) as VersioningOptions['defaultVersion'];
  return {
    modulePath: host ? modulePathOf(host, modules.applicationId) : '',
    path: Reflect.getMetadata(PATH_METADATA, controller) as string,
    version: version ?? config.getVersioning()?.defaultVersion,
  };
}

function modulePathOf(module: object, applicationId: string): string {
  const own: unknown =
    Reflect.getMetadata(MODULE_PATH_METADATA + applicationId, module) ??
    Reflect.getMetadata(MODULE_PATH_METADATA, module);
  return typeof own === 'string' ? own : '';
}
