// The program for the graphics card. Rays are followed from voxel to voxel through a 3-D texture (Amanatides and
// Woo 1987), so no voxel is skipped. Vectors are (x, y, z), in voxels.

/** Compile and link the program; the Error of a failure says why. */
export function link(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
    throw new Error(gl.getProgramInfoLog(program) || "the shader was refused");
  return program;
}

const VERTEX = `#version 300 es
void main() { // one triangle that covers the canvas
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler3D;
uniform sampler3D volume; // 1 = solid
uniform vec3 size, cut; // voxels
uniform int planes, pores, exact, steps;
uniform mat3 camera; // right, up, towards the reader
uniform vec2 middle; // of the box in the picture [pixel]
uniform float pixel; // its edge [voxel]
out vec4 colour;

const vec3 LAMP = vec3(0.30, 0.42, 0.86); // right, up, towards the reader
const vec3 CUT = vec3(1.000, 0.980, 0.935), WALL = vec3(0.660, 0.770, 0.860), DEEP = vec3(0.050, 0.100, 0.175);
const vec3 PORE_CUT = vec3(0.990, 0.790, 0.420), PORE_WALL = vec3(0.930, 0.640, 0.240);

float matter(float solid) { return pores == 1 ? 1.0 - solid : solid; }
float at(vec3 p) { return matter(textureLod(volume, p / size, 0.0).r); }
float voxel(ivec3 cell) { return matter(texelFetch(volume, cell, 0).r); }
float around(vec3 p, float wide) { return matter(textureLod(volume, p / size, log2(wide)).r); }

// the normal: differences over a cube of 4 voxels, wide enough to smooth the steps between voxels
vec3 outwards(vec3 p) {
  vec3 sum = vec3(0.0);
  for (int k = 0; k < 8; k++) {
    vec3 way = vec3(k & 1, (k >> 1) & 1, k >> 2) * 2.0 - 1.0;
    sum -= way * (at(p + way) + 0.6 * at(p + 1.7 * way));
  }
  for (int k = 0; k < 3; k++) {
    vec3 way = vec3(k == 0, k == 1, k == 2) * 1.4;
    sum += 1.5 * sign(way) * (at(p - way) - at(p + way));
  }
  return dot(sum, sum) > 1e-6 ? normalize(sum) : camera[2];
}

// ambient light: how free the way is along the normal and beside it, from ever wider averages
float open(vec3 p, vec3 n) {
  vec3 a = normalize(cross(n, abs(n.x) < 0.6 ? vec3(1, 0, 0) : vec3(0, 1, 0))), b = cross(n, a);
  float light = 0.0;
  for (int k = 0; k < 5; k++) {
    vec3 way = k == 0 ? n : normalize(n + (k < 3 ? a : b) * (k % 2 == 1 ? 1.3 : -1.3));
    float free = 1.0;
    float reach = 1.5;
    for (int i = 0; i < 3; i++) {
      vec3 q = p + way * reach;
      if (any(lessThan(q, vec3(0.0))) || any(greaterThan(q, size))) break;
      free *= 1.0 - 0.75 * around(q, reach * 0.7);
      reach *= 2.2;
    }
    light += k == 0 ? 1.6 * free : free;
  }
  return light / 5.6;
}

void main() {
  vec2 off = (gl_FragCoord.xy - middle) * pixel;
  vec3 ahead = -camera[2];
  ahead = mix(ahead, vec3(1e-5), lessThan(abs(ahead), vec3(1e-5))); // no division by zero
  vec3 start = 0.5 * size + off.x * camera[0] + off.y * camera[1] - length(size) * ahead;
  vec3 low = vec3(0.0), high = size;
  if (planes == 1) { low.z = cut.z; high.xy = cut.xy; }
  vec3 per = 1.0 / ahead, a = (low - start) * per, b = (high - start) * per;
  vec3 enter = min(a, b), leave = max(a, b);
  float near = max(max(enter.x, enter.y), enter.z), far = min(min(leave.x, leave.y), leave.z);
  colour = vec4(0.0);
  if (near >= far || any(greaterThanEqual(low, high))) return;

  vec3 face = vec3(equal(enter, vec3(near))); // the side of the voxel where the ray enters
  ivec3 cell = clamp(ivec3(floor(start + (near + 1e-3) * ahead)), ivec3(low), ivec3(high) - 1);
  ivec3 way = ivec3(sign(ahead));
  vec3 next = (vec3(cell) + max(vec3(way), 0.0) - start) * per, stride = abs(per);
  float t = near, before = near, first = near, hit = -1.0;
  bool outside = true, capped = false;
  for (int i = 0; i < steps; i++) {
    float until = min(min(next.x, next.y), next.z);
    bool taken = planes == 0 && float(cell.x) >= cut.x && float(cell.y) >= cut.y && float(cell.z) < cut.z;
    if (taken) {
      outside = true;
    } else {
      if (outside) { // at the surface of the box: a cut face, if there is matter
        if ((exact == 1 ? voxel(cell) : at(start + (t + 1e-3) * ahead)) > 0.5) { hit = t; capped = true; break; }
        outside = false;
        first = before = t;
      }
      float half_way = 0.5 * (t + until);
      if ((exact == 1 ? voxel(cell) : at(start + half_way * ahead)) > 0.5) {
        hit = exact == 1 ? t : half_way;
        break;
      }
      before = half_way;
    }
    if (until >= far - 1e-4) break;
    vec3 least = vec3(lessThanEqual(next, min(next.yzx, next.zxy)));
    face = least;
    t = until;
    cell += ivec3(least) * way;
    next += least * stride;
  }

  float fog = 0.16 * max(max(size.x, size.y), size.z);
  if (hit < 0.0) { // the ray meets no matter
    float dim = outside ? 0.0 : 1.0 - exp((first - far) / fog);
    colour = vec4(DEEP * dim, dim);
    return;
  }
  if (!capped && exact == 0)
    for (int i = 0; i < 5; i++) {
      float m = 0.5 * (before + hit);
      if (at(start + m * ahead) > 0.5) hit = m; else before = m;
    }
  vec3 p = start + hit * ahead;
  vec3 flat_normal = normalize(-face * vec3(way));
  vec3 n = capped ? flat_normal : exact == 1 ? normalize(flat_normal + outwards(p)) : outwards(p);
  vec3 lamp = camera * normalize(LAMP);
  vec3 light;
  if (capped) {
    float shade = 0.50 + 0.50 * max(dot(n, lamp), 0.0);
    light = (pores == 1 ? PORE_CUT : CUT) * shade;
  } else {
    float facing = max(dot(n, lamp), 0.0), rim = 1.0 - max(dot(n, camera[2]), 0.0);
    float sky = open(p, n);
    // as in an electron microscope: edges are bright, hollows dark
    float shade = sky * (0.30 + 0.62 * facing) + 0.10 + 0.22 * rim * rim * sky;
    light = mix(DEEP, (pores == 1 ? PORE_WALL : WALL) * 1.25, clamp(shade, 0.0, 1.0));
    light = mix(DEEP, light, exp((first - hit) / (2.2 * fog)));
  }
  colour = vec4(light, 1.0);
}`;
