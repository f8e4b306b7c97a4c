/**
 * `npm run previous [-- COMMIT]`: builds the gateway of a commit (HEAD by default) and writes it as the fixture that the upgrade test runs
 * next to this code, until there is a release.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { buildCommit, commitOf } from './previous/build-commit.ts';
import { FIXTURE, packFixture } from './previous/fixture.ts';
import { UPGRADE_TOOLS } from './previous/tools.ts';
import { ROOT } from './root.ts';

const [name = 'HEAD'] = process.argv.slice(2);
const commit = await commitOf(name);
const directory = await mkdtemp(join(tmpdir(), 'countersign-previous-'));
try {
  const toolsFile = join(directory, 'tools.json');
  const tools = JSON.stringify(UPGRADE_TOOLS);
  await writeFile(toolsFile, tools);
  const built = await buildCommit(commit, directory, toolsFile);
  const bytes = await packFixture(commit, tools, built);
  console.log(`${relative(ROOT, FIXTURE)}: ${commit}, ${(bytes / 1024).toFixed(0)} KiB`);
} finally {
  await rm(directory, { recursive: true, force: true });
}
