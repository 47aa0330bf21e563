// SPDX-License-Identifier: MPL-2.0

/** A request of the HTTP API; ops.gen.ts has one for every operation of package api. */
export interface Call<P> {
  /** The operation's name in package api. */
  name: string;
  method: string;
  /** Path with {Param} for path parameters. */
  path: string;
  /** Parameters that go into the query, with their names there. */
  query?: Record<string, string>;
  /** Parameters that are members of the JSON body. */
  body?: string[];
  /** The parameter that is the whole JSON body. */
  whole?: string;
  /** Reads that can wait for a change. */
  blocking?: boolean;
  /** What the caller must be allowed; any one suffices. */
  need?: string[];
  /** For the type checker only: the parameters. */
  params?: P;
}

/** An operation with parameters P that answers R. */
export interface Op<P, R> extends Call<P> {
  /** For the type checker only: the answer. */
  answer?: R;
}

/** An operation with parameters P that answers with many F. */
export interface StreamOp<P, F> extends Call<P> {
  /** For the type checker only: one message. */
  frame?: F;
}
