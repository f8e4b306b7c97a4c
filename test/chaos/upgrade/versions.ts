import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCommit, newestRelease } from '../../../dev/previous/build-commit.ts';
import { unpackFixture } from '../../../dev/previous/fixture.ts';
import { UPGRADE_TOOLS } from '../../../dev/previous/tools.ts';
import { ROOT } from '../../../dev/root.ts';
import { buildWorker } from '../../../dev/worker-modules.ts';
import type { StorageVersion } from '../../../src/protocol/storage-version.ts';
import { writeClockEntry } from '../storm/clock-entry.ts';

/** The previous build and this one, which sell the same tools, as paths of their main modules. */
export type BothVersions = {
  readonly previous: string;
  readonly present: string;
  /** Where the previous build comes from, for people. */
  readonly from: string;
  /** What the previous build reads and writes. */
  readonly storage: StorageVersion;
};

/** Builds both versions: the newest release by its tag, else the committed fixture; and the sources of this checkout. */
export const buildVersions = async (directory: string): Promise<BothVersions> => {
  const toolsFile = join(directory, 'tools.json');
  const old = join(directory, 'previous');
  await mkdir(old, { recursive: true });
  const release = await newestRelease();
  let tools = JSON.stringify(UPGRADE_TOOLS);
  let from = release ?? '';
  let built;
  if (release === undefined) {
    const fixture = await unpackFixture(old);
    ({ tools } = fixture);
    from = `the fixture of ${fixture.commit.slice(0, 8)}`;
    built = fixture;
    await writeFile(toolsFile, tools);
  } else {
    await writeFile(toolsFile, tools);
    built = await buildCommit(release, old, toolsFile);
  }
  const entry = await writeClockEntry(directory, join(ROOT, 'test/chaos/run/worker.ts'));
  const { main } = await buildWorker(join(directory, 'present'), entry, toolsFile);
  return {
    previous: join(built.directory, 'index.js'),
    present: main,
    from,
    storage: built.storage,
  };
};
