import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

/** The only address the local stack listens on. */
export const LOOPBACK = '127.0.0.1';

/** Below what systems hand out to outgoing connections: one of those could take the port before the caller does. */
const LOWEST = 10_240;
const HIGHEST = 32_767;

/** A TCP port that nobody listens on right now. Another process may take it before the caller does: so any of 20,000. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (!(await portTaken(port))) return port;
  }
};

/** Whether somebody already listens on the port, asked by trying to. */
export const portTaken = async (port: number): Promise<boolean> =>
  await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
    );
    server.listen(port, LOOPBACK, () => server.close(() => resolve(false)));
  });

/** Whether somebody answers on the port. Asked without taking it, even for a moment, from whoever is about to listen. */
export const portAnswers = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Waits until nobody listens on the port. Throws when somebody still does after the given milliseconds. */
export const portFreed = async (port: number, milliseconds: number): Promise<void> => {
  const deadline = Date.now() + milliseconds;
  while (await portTaken(port)) {
    if (Date.now() > deadline) throw new Error(`port ${port} is taken`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
