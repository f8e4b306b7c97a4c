import type { Address } from '../core/hex.ts';

/**
 * Addresses whose private keys anyone can derive: the first ten of the mnemonic that anvil and Hardhat print, and those of the local stack
 * (`dev/stack/people.ts`). Money that they receive is stolen within seconds.
 */
export const PUBLIC_KEYS: ReadonlySet<Address> = new Set<Address>([
  '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
  '0x90f79bf6eb2c4f870365e785982e1f101e93b906',
  '0x15d34aaf54267db7d7c367839aaf71a00a2c6a65',
  '0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc',
  '0x976ea74026e726554db657fa54763abd0c3a0aa9',
  '0x14dc79964da2c08b23698b3d3cc7ca32193d9955',
  '0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f',
  '0xa0ee7a142d267c1f36714e4a8f75612f20a79720',
  '0x237c2cdd7c4c97d9324ad50aa388dec8211aee68',
  '0x856f86b4630b23d9d953a0115dd61fd4e3cba4d9',
  '0x1ed8cf360a513ce0b54436a00fce38477211e974',
  '0x98c258f60b17bbe94fd2df19c638b8d3e67d872a',
  '0x8140e18a8a99f8463a8f059d2837382183ef5216',
  '0x666b2aa99f7ee1f90c840f93db0619cb4d9a2f3c',
  '0x7d2f96a1391e0b152cd619d75e5bf9749e3c7b11',
  '0xf2002ed796513846d654b403a9dfa45367aa6021',
  '0xdd7b5c64b5581b7c145538af6cb6b3b2436c26d5',
  '0x0e7284ad574db7ec7589a8e07c7ee963a1f9cbd4',
  '0x832e58525d53c23fb6e25b8473aca71bf776d71a',
  '0x6ba1a81d72d36f3ac4e647502e17b013c75454d9',
  '0x0a4f61cdd34c2d6e72545292d5ed504695e2c477',
  '0x0f0e28298c44fb86fdf043a8798a10d575df5ec7',
  '0x8ae9acb94254ed5cca04ec2b70cc71ebbf20f9ae',
  '0xaca49480f7cb744d78aa1b2a1be67256393a139a',
  '0xf8a74c87de9b82a103f085999a9a0d6fd7d9384b',
  '0x9bcdc2f18ef86be75bb857b77f005cc2ac3aae0a',
]);
