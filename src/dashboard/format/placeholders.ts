/** Words in a command that a person replaces, with what replaces them. */
const MEANINGS: Readonly<Record<string, string>> = {
  TOOL_URL: 'the address of a tool',
  AGENT_KEY: 'the name of the agent’s key: npx countersign keys list prints it',
  KEY: 'the name of your key: npx countersign keys list prints it',
  NEW_KEY: 'the name of the new key: npx countersign keys new makes one',
  PAYEE_KEY: 'the name of the key of PAY_TO',
  REASON: 'why you refund, in quotes',
  BOT: 'the name of the agent at the signer',
  SIGNER: 'the address of the signer',
  LOG_KEY_FILE: 'a file with the key of the log, from another source than this page',
  CHECKPOINT_FILE: 'the file with a checkpoint that you kept',
  OPENAPI_FILE: 'the path of the document',
  NAME: 'a name for the secret',
  HOST: 'the only host that gets it',
};

/** The words that a person replaces in a command, in its order. */
export const placeholdersIn = (
  command: string,
): readonly (readonly [word: string, meaning: string])[] =>
  [...new Set(command.match(/(?<=^|\s)[A-Z][A-Z_]+(?=\s|$)/g))].flatMap((word) => {
    const meaning = MEANINGS[word];
    return meaning === undefined ? [] : [[word, meaning] as const];
  });
