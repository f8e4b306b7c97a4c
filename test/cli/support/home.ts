import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Place } from './command.ts';

export const PASSWORD = 'correct horse battery';

/** A home and a working directory for one test, and an environment that points to them. */
export type Home = Place & { readonly home: string };

export const useHome = (): (() => Home) => {
  let home: Home | undefined;
  beforeEach(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'countersign-cli-'));
    const config = join(directory, 'home');
    home = {
      directory,
      home: config,
      env: { PATH: process.env['PATH'] ?? '', HOME: directory, COUNTERSIGN_HOME: config },
    };
  });
  afterEach(async () => {
    if (home !== undefined) await rm(home.directory, { recursive: true, force: true });
  });
  return () => {
    if (home === undefined) throw new Error('there is no home outside of a test');
    return home;
  };
};

/** The same place with more environment variables. */
export const withEnv = (place: Home, env: Readonly<Record<string, string>>): Home => ({
  ...place,
  env: { ...place.env, ...env },
});
