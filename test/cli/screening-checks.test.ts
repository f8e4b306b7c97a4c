import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { payOut } from '../../src/cli/calls/pay-out.ts';
import type { Project } from '../../src/cli/deploy/project.ts';
import {
  hasScreeningLists,
  screeningListChecks,
  uploadScreeningLists,
} from '../../src/cli/deploy/screening-lists.ts';
import { screeningSettingChecks } from '../../src/cli/doctor/screening-setting-checks.ts';
import type { AdminClient } from '../../src/cli/lib/admin-client.ts';

const ADDRESS = `0x${'ab'.repeat(20)}`;
const SETTING = JSON.stringify({ onFailure: 'deny', lists: ['own', 'stored'] });
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-lists-'));
  await mkdir(join(directory, 'screening'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const projectWith = async (text: string | undefined, buckets = ['archive']): Promise<Project> => {
  if (text !== undefined) await writeFile(join(directory, 'screening/own.txt'), text);
  const files = { variables: { SCREENING: SETTING } };
  return { directory, files, buckets } as unknown as Project;
};

const upload = async (project: Project) => {
  const ran: (readonly string[])[] = [];
  const run = async (words: readonly string[]) => {
    ran.push(words);
    return { code: 0, stdout: '', stderr: '' };
  };
  const names = await uploadScreeningLists({ project, wrangler: { run, attempt: run } });
  return { names, ran };
};

describe('the lists of a project', () => {
  test('are checked, and uploaded to the bucket that the gateway reads', async () => {
    const project = await projectWith(`# own\n${ADDRESS}\n`);
    expect(await screeningListChecks(project)).toMatchObject([
      { status: 'ok', name: 'screening/own.txt' },
    ]);
    expect(await hasScreeningLists(project)).toBe(true);
    const { names, ran } = await upload(project);
    expect(names).toEqual(['own']);
    expect(ran).toHaveLength(1);
    expect(ran[0]?.slice(0, 6)).toEqual([
      ...['r2', 'object', 'put', 'archive/screening/own.txt', '--file', 'screening/own.txt'],
    ]);
    expect(ran[0]).toContain('--remote');
  });

  test('stop a deployment if the gateway could not read one', async () => {
    expect(await screeningListChecks(await projectWith(`${ADDRESS}\nnobody\n`))).toMatchObject([
      { status: 'fail', says: 'has no address in line 2' },
    ]);
    const huge = `${ADDRESS}\n#${'x'.repeat(4_194_304)}`;
    expect(await screeningListChecks(await projectWith(huge))).toMatchObject([{ status: 'fail' }]);
  });

  test('need no file and no bucket', async () => {
    const project = await projectWith(undefined);
    expect(await screeningListChecks(project)).toEqual([]);
    expect(await hasScreeningLists(project)).toBe(false);
    expect((await upload(await projectWith(ADDRESS, []))).ran).toEqual([]);
  });
});

test.each([
  ['', false, 0],
  [SETTING, true, 0],
  [SETTING, false, 1],
  ['{"lists":["own"]}', true, 1],
  ['not json', true, 1],
])('the setting %s, with a bucket: %s', (text, hasBucket, failures) => {
  const checks = screeningSettingChecks(text, 'public', hasBucket);
  expect(checks.filter(({ status }) => status === 'fail')).toHaveLength(failures);
});

test('a refund of a listed payer is not paid out on chain', async () => {
  const asked: string[] = [];
  const admin = {
    call: async (route: string) => {
      asked.push(route);
      return { body: { credit_frozen: true } };
    },
  } as unknown as AdminClient;
  const payer = { rpc: 'http://127.0.0.1:1', chainId: 1, asset: '0x' } as never;
  const refund = { credited_to: `eip155:1:${ADDRESS}`, amount: '5', call: '0x' } as never;
  await expect(payOut(admin, payer, refund)).rejects.toMatchObject({ code: 'credit_frozen' });
  expect(asked).toEqual(['account.get']);
});
