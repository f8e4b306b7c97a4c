import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pipe } from './support/command.ts';
import { useHome } from './support/home.ts';
import { putKey, SOME_KEY } from './support/keys.ts';

const home = useHome();

const offered = async (...words: readonly string[]): Promise<readonly string[]> => {
  const { stdout, stderr } = await pipe(home(), ['complete', '--', ...words]);
  expect(stderr).toBe('');
  return stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
};

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

test.each(['bash', 'zsh', 'fish'])('prints a completion script that %s parses', async (shell) => {
  const { code, stdout, stderr } = await pipe(home(), ['completion', shell]);
  expect(code).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toContain('countersign complete -- ');
  if (!has(shell)) return;
  const read = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
  expect(read.stderr).toBe('');
  expect(read.status).toBe(0);
});

test('never lets bash evaluate the typed words (CWE-78)', async () => {
  const { stdout } = await pipe(home(), ['completion', 'bash']);
  expect(stdout).toContain("printf '%q '");
  if (!has('bash')) return;
  const kept = join(home().directory, 'kept');
  await writeFile(kept, 'precious');
  const typed = `countersign spend '>' ${kept} '$(touch ${kept}.owned)' --by`;
  const read = spawnSync('bash', {
    encoding: 'utf8',
    input: `${stdout}
      _get_comp_words_by_ref() { words=("\${COMP_WORDS[@]}"); cur=; }
      compopt() { :; }
      countersign() { printf '%s\\t\\n' 'a day' "got-$#"; echo :4; }
      COMP_WORDS=(${typed} ''); COMP_CWORD=6
      __countersign_complete; printf '%s\\n' "\${COMPREPLY[@]}"`,
  });
  expect(read.stdout).toContain('got-9');
  expect(await readdir(home().directory)).toEqual(['kept']);
  expect(await readFile(kept, 'utf8')).toBe('precious');
});

test('completes commands, options and their values', async () => {
  expect(await offered('')).toEqual(
    expect.arrayContaining(['init', 'doctor', 'call', 'keys', 'fleet']),
  );
  expect(await offered('keys', '')).toEqual(
    expect.arrayContaining(['new', 'list', 'export', 'import']),
  );
  expect(await offered('call', '--')).toEqual(
    expect.arrayContaining(['--request', '--dry-run', '--max', '--as', '--json']),
  );
  expect(await offered('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
});

test('ignores repeated empty words', async () => {
  expect(await offered('keys', '', '')).toEqual(await offered('keys', ''));
});

test('completes key names without decrypting a key', async () => {
  await putKey(home(), 'treasury', SOME_KEY);
  expect(await offered('call', '--as', '')).toContain('treasury');
});
