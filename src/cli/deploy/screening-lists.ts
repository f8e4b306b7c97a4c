import { join } from 'node:path';
import { readScreening } from '../../config/screening-setting.ts';
import { MAX_LIST_BYTES, parseAddressList } from '../../screening/address-list.ts';
import { listKey } from '../../screening/stored-lists.ts';
import { readText } from '../lib/atomic-file.ts';
import { type Check, failure, passed } from '../lib/checks.ts';
import type { Project } from './project.ts';
import type { Deploying } from './resource.ts';

/** A list of the screening that the project has as a file. It has the same path in the project as in the bucket. */
type LocalList = { readonly name: string; readonly file: string; readonly text: string };

/** The lists that SCREENING names and the project has. The operator stores the others in the bucket itself. */
const localLists = async ({ directory, files }: Project): Promise<readonly LocalList[]> => {
  const read = readScreening(files.variables['SCREENING'] ?? '', 'public');
  const names = read.ok ? (read.value?.lists ?? []) : [];
  const lists = await Promise.all(
    names.map(async (name) => {
      const file = listKey(name);
      return { name, file, text: await readText(join(directory, file)) };
    }),
  );
  return lists.flatMap(({ text, ...list }) => (text === undefined ? [] : [{ ...list, text }]));
};

/** Checks the lists of the project. The gateway reads a faulty list not at all. */
export const screeningListChecks = async (project: Project): Promise<readonly Check[]> =>
  (await localLists(project)).map(({ file, text }) => {
    const parsed = parseAddressList(text);
    if (Buffer.byteLength(text) > MAX_LIST_BYTES) {
      return failure(file, `is larger than ${MAX_LIST_BYTES} bytes`, 'Divide it into two lists.');
    }
    return parsed.ok
      ? passed(file, `addresses: ${parsed.value.size}`)
      : failure(
          file,
          `has no address in line ${parsed.error}`,
          'Each line has one, or a # comment.',
        );
  });

/** Uploads the lists of the project to the bucket of the archive. @returns their names */
export const uploadScreeningLists = async ({
  project,
  wrangler,
}: Pick<Deploying, 'project' | 'wrangler'>): Promise<readonly string[]> => {
  const [bucket] = project.buckets;
  const lists = await localLists(project);
  for (const { file } of bucket === undefined ? [] : lists) {
    await wrangler.run(uploadWords(`${bucket}/${file}`, file));
  }
  return lists.map(({ name }) => name);
};

const uploadWords = (object: string, file: string): readonly string[] => [
  ...['r2', 'object', 'put', object, '--file', file],
  ...['--content-type', 'text/plain', '--remote'],
];

/** Whether the project has a list to upload. */
export const hasScreeningLists = async (project: Project): Promise<boolean> =>
  project.buckets.length > 0 && (await localLists(project)).length > 0;
