import { ProtocolError } from '@modelcontextprotocol/server';

/**
 * The answer for a name that the caller does not see: a hidden tool, a disabled one, and none at all. Nothing in it depends on the
 * catalogue. Names are compared exactly: another case or Unicode form is another name.
 */
export const unknownTool = (name: string): ProtocolError =>
  new ProtocolError(-32602, `Unknown tool: ${name}`);
