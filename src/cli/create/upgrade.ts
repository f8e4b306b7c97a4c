import { join } from 'node:path';
import { isObject } from '../../core/json-object.ts';
import { type FileToWrite, readText } from '../lib/atomic-file.ts';
import { cancelled, CliError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';

/** The changes that a project of an earlier release needs. */
export type Upgrade = {
  readonly files: readonly FileToWrite[];
  /** One line for each change, e.g. `package.json: scripts.dev = countersign dev`. */
  readonly changes: readonly string[];
};

/** The contents of `package.json` that this release needs. */
export type WantedManifest = {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/**
 * Drafts what an existing project needs for this release. It adds what is missing and raises the version of `countersign`; every other
 * value stays as its owner wrote it.
 */
export const draftUpgrade = async (
  directory: string,
  wanted: WantedManifest,
  ignored: readonly string[],
): Promise<Upgrade> => {
  const [manifest, ignore] = await Promise.all([
    upgradeManifest(join(directory, 'package.json'), wanted),
    upgradeIgnore(join(directory, '.gitignore'), ignored),
  ]);
  return {
    files: [...manifest.files, ...ignore.files],
    changes: [...manifest.changes, ...ignore.changes],
  };
};

/** Shows the changes and asks. Without a terminal, --yes agrees. @throws CliError */
export const confirmUpgrade = async (
  { prompts, out }: Session,
  input: Input,
  changes: readonly string[],
): Promise<void> => {
  if (changes.length === 0) return;
  out.note(
    ['This release of countersign changes:', ...changes.map((each) => `  ${each}`)].join('\n'),
  );
  if (input.flag('yes')) return;
  const question = { message: `Apply ${counted(changes.length, 'change')}?`, instead: '--yes' };
  if (!(await prompts.confirm(question))) throw cancelled('The command wrote nothing.');
};

const NOTHING: Upgrade = { files: [], changes: [] };

const upgradeManifest = async (path: string, wanted: WantedManifest): Promise<Upgrade> => {
  const text = await readText(path);
  if (text === undefined) return NOTHING;
  const manifest = objectIn(text);
  const changes: string[] = [];
  const next: Record<string, unknown> = { ...manifest };
  for (const section of ['scripts', 'dependencies', 'devDependencies'] as const) {
    const present = isObject(manifest[section]) ? manifest[section] : {};
    const added = Object.entries(wanted[section]).filter(([name, value]) => {
      const old = present[name] ?? inOtherSection(manifest, section, name);
      return old === undefined || (section === 'dependencies' && isOlder(old, value));
    });
    if (added.length === 0) continue;
    next[section] = { ...present, ...Object.fromEntries(added) };
    changes.push(...added.map(([name, value]) => `package.json: ${section}.${name} = ${value}`));
  }
  if (changes.length === 0) return NOTHING;
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? '  ';
  return { files: [{ path, text: `${JSON.stringify(next, undefined, indent)}\n` }], changes };
};

/** A package may be a dependency or a devDependency: both install it. */
const inOtherSection = (
  manifest: Readonly<Record<string, unknown>>,
  section: string,
  name: string,
): unknown => {
  if (section === 'scripts') return undefined;
  const other = manifest[section === 'dependencies' ? 'devDependencies' : 'dependencies'];
  return isObject(other) ? other[name] : undefined;
};

const CARET = /^\^(\d+)\.(\d+)\.(\d+)$/;

/** Whether a caret range starts below another one. Every other spec is the owner's: a file, a tag, an exact version. */
const isOlder = (old: unknown, wanted: string): boolean => {
  const [a, b] = [CARET.exec(String(old)), CARET.exec(wanted)];
  if (a === null || b === null) return false;
  const at = [1, 2, 3].find((part) => a[part] !== b[part]);
  return at !== undefined && Number(a[at]) < Number(b[at]);
};

const objectIn = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (isObject(value)) return value;
  } catch {
    // The fault is reported below.
  }
  throw new CliError('package.json is not a JSON object. The command wrote nothing.', {
    hint: 'Correct the file and run the command again.',
    code: 'bad_manifest',
  });
};

const upgradeIgnore = async (path: string, ignored: readonly string[]): Promise<Upgrade> => {
  const text = await readText(path);
  if (text === undefined) return NOTHING;
  const lines = new Set(text.split('\n').map((line) => line.trim().replace(/^\/|\/$/g, '')));
  const missing = ignored.filter((name) => !lines.has(name));
  if (missing.length === 0) return NOTHING;
  const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return {
    files: [{ path, text: `${before}${missing.join('\n')}\n` }],
    changes: missing.map((name) => `.gitignore: ${name}`),
  };
};
