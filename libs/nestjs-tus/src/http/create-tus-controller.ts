import { applyDecorators, Controller, UseGuards, UseInterceptors } from '@nestjs/common';
import type { NestInterceptor, Type } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { TusGraphOptions, TusModuleOptions } from '../options/tus-module-options.js';
import { DEFAULT_TUS_NAME } from '../tus.tokens.js';
import { AnsweringInterceptor } from './answering.interceptor.js';
import { TusController } from './tus.controller.js';

const DEFAULT_PATH = 'files';
/** Where Nest keeps what `UseInterceptors()` was given. */
const INTERCEPTORS_METADATA = '__interceptors__';
/** Where Nest keeps what `Controller()` was given. */
const PATH_METADATA = 'path';
const VERSION_METADATA = '__version__';

/**
 * Makes the controller of one registration. Nest keeps path and guards with the class, so two registrations cannot
 * share one.
 */
export function createTusController(name: string, graph: TusGraphOptions): Type<TusController> {
  const Base = (graph.controller ?? TusController) as Type<TusController>;
  class RegisteredController extends Base {}
  Object.defineProperty(RegisteredController, 'name', {
    value: name === DEFAULT_TUS_NAME ? 'TusController' : `TusController:${name}`,
  });
  applyDecorators(
    Controller(),
    UseGuards(...(graph.guards ?? [])),
    UseInterceptors(...(graph.interceptors ?? [])),
    ...(graph.decorators ?? []),
  )(RegisteredController);
  return RegisteredController;
}

const ANSWERING = new AnsweringInterceptor();

/**
 * Puts AnsweringInterceptor before all others. Called when the app has set its global ones, and no route is there yet. Where there are no
 * interceptors there is nothing to guard, and requests go the shorter way.
 */
export function guardAnswers(controller: Type<TusController>, config: ApplicationConfig): void {
  const globals = config.getGlobalInterceptors();
  if (globals.includes(ANSWERING)) return;
  if (globals.length + config.getGlobalRequestInterceptors().length > 0) {
    globals.unshift(ANSWERING);
    return;
  }
  const given = Reflect.getMetadata(INTERCEPTORS_METADATA, controller) as NestInterceptor[] | undefined;
  const own = given ?? [];
  // A subclass of the app's may have interceptors on its methods.
  const isSubclassed = Object.getPrototypeOf(controller) !== TusController;
  if (own.includes(ANSWERING) || (own.length === 0 && !isSubclassed)) return;
  Reflect.defineMetadata(INTERCEPTORS_METADATA, [ANSWERING, ...own], controller);
}

/**
 * Gives a controller its path and version. Called when the options are there, which may be late: Nest reads them when
 * it registers routes, after all providers exist.
 *
 * @returns the path
 */
export function mountController(controller: Type<TusController>, options: TusModuleOptions): string {
  const Base = Object.getPrototypeOf(controller) as object;
  const own: unknown = Reflect.getMetadata(PATH_METADATA, Base);
  const path = options.path ?? (typeof own === 'string' ? own : DEFAULT_PATH);
  const version =
    options.version ?? (Reflect.getMetadata(VERSION_METADATA, Base) as TusModuleOptions['version']);
  Controller({ path, version })(controller);
  return path;
}
