import { type AdminClient, openAdmin } from '../lib/admin-client.ts';
import { defineCommand } from '../lib/command.ts';
import { isRefusal } from '../lib/error-of.ts';
import { usageError } from '../lib/errors.ts';
import { jsonFile } from '../lib/input-file.ts';
import { changedText } from '../lib/print.ts';
import { readTool, toolIn, writeTool } from '../lib/tools.ts';

const MAX_FILE = 1024 * 1024;

export const command = defineCommand({
  summary: 'add or change a tool, live within 5 s, as operator',
  arguments: [{ syntax: '<file>', summary: 'one tool as JSON; - for stdin' }],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const json = await jsonFile(session, input.arguments[0] ?? '', MAX_FILE);
    if (typeof json === 'object' && json !== null && 'tools' in json) {
      throw usageError(
        'That file holds a list of tools.',
        '`countersign apply` takes a whole list.',
      );
    }
    const document = toolIn(json, await session.profile.gateway());
    const admin = await openAdmin(session, 'operator');
    const etag = await etagIfAny(admin, document.id);
    const answer = await writeTool(admin, document, etag);
    const what = `${document.id} ${etag === undefined ? 'added' : 'changed'}, live within 5 s`;
    out.result({ id: document.id, ...answer }, () => changedText(out, answer.changed, what));
  },
});

const etagIfAny = async (admin: AdminClient, id: string): Promise<string | undefined> => {
  try {
    return (await readTool(admin, id)).etag;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_tool')) return undefined;
    throw thrown;
  }
};
