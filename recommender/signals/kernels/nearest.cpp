// The items whose vectors have the greatest inner products with one: signals/nearest.py, whose docstring has the bounds.
//
// A copy of the vectors in a byte a number is looked at first; only items whose product may be among the greatest are
// computed from the vectors themselves, number after number in float64, where a product of two float32 is exact.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>

constexpr int ABREAST = 64; // items side by side in the copy, whatever the processor
constexpr int CHAINS = 8;   // sums of unlike items at a time

struct Kept {
    float most, least; // bounds of the product
    int32_t place;
};
struct Exact {
    double product;
    int32_t place;
    bool operator<(const Exact& other) const {
        return product > other.product || (product == other.product && place < other.place);
    }
};
template <typename T> struct Held { // memory of one call
    T* at = nullptr;
    bool room(int64_t size) {
        T* more = static_cast<T*>(realloc(at, (size > 0 ? size : 1) * sizeof(T)));
        if (more) at = more;
        return more;
    }
    ~Held() { free(at); }
};

// How many of `kept` may still be among the first `count`; `bar` becomes what the last of these has at least.
static int64_t prune(Kept* kept, int64_t size, int64_t count, float* scratch, float& bar) {
    if (size < count) return size;
    for (int64_t i = 0; i < size; i++) scratch[i] = kept[i].least;
    std::nth_element(scratch, scratch + count - 1, scratch + size, std::greater<float>());
    bar = scratch[count - 1];
    int64_t left = 0;
    for (int64_t i = 0; i < size; i++)
        if (kept[i].most >= bar) kept[left++] = kept[i];
    return left;
}

// places (count) of the greatest products of `rows` (items, width) with `own` (width) where `mask` is 1 (else 0), each with
// its `base` or null: the greatest first, of equal ones the first. `codes` (⌈items / ABREAST⌉, width, ABREAST) and
// `scale` say of a row number after number what it is, divided by its column's; `weights` (width) the same of `own`.
// These and `of_base` make products smaller by one factor; then `half` · scale + `slack` bounds what they are off.
// How many there are; -1 without memory.
extern "C" int64_t nearest(int64_t items, int64_t width, const float* rows, const float* base, const float* own,
                           const int8_t* codes, const float* scale, const float* weights, float half, float of_base,
                           float slack, const uint8_t* mask, int64_t count, int64_t* places) {
    if (count > items) count = items;
    if (count < 1) return 0;
    int64_t size = 0, limit = 4 * count;
    float bar = -__builtin_inff();
    Held<Kept> kept;
    Held<float> scratch;
    if (!kept.room(limit + ABREAST) || !scratch.room(limit + ABREAST)) return -1;
    for (int64_t first = 0; first < items; first += ABREAST, codes += width * ABREAST) {
        const int64_t there = items - first < ABREAST ? items - first : ABREAST;
        float sum[ABREAST] = {}, most[ABREAST], of[ABREAST] = {};
        uint8_t asked[ABREAST] = {};
        memcpy(asked, mask + first, there);
        for (int64_t k = 0; k < width; k++) {
            const int8_t* code = codes + k * ABREAST;
            for (int i = 0; i < ABREAST; i++) sum[i] += weights[k] * static_cast<float>(code[i]);
        }
        if (base)
            for (int64_t i = 0; i < there; i++) of[i] = base[first + i] * of_base;
        uint8_t hit[ABREAST];
        for (int i = 0; i < ABREAST; i++) {
            most[i] = scale[first + i] * (sum[i] + half) + of[i] + slack;
            hit[i] = (most[i] >= bar) & asked[i];
        }
        for (int part = 0; part < ABREAST; part += 8) { // of which most are all 0
            uint64_t hits;
            memcpy(&hits, hit + part, 8);
            for (; hits; hits &= hits - 1) {
                const int i = part + __builtin_ctzll(hits) / 8;
                const float least = scale[first + i] * (sum[i] - half) + of[i] - slack;
                kept.at[size++] = {most[i], least, static_cast<int32_t>(first + i)};
            }
        }
        if (size < limit) continue;
        size = prune(kept.at, size, count, scratch.at, bar);
        if (2 * size <= limit) continue;
        limit = 2 * size;
        if (!kept.room(limit + ABREAST) || !scratch.room(limit + ABREAST)) return -1;
    }
    size = prune(kept.at, size, count, scratch.at, bar);
    Held<Exact> found;
    if (!found.room(size)) return -1;
    for (int64_t first = 0; first < size; first += CHAINS) {
        const int64_t there = size - first < CHAINS ? size - first : CHAINS;
        const float* row[CHAINS];
        double sum[CHAINS];
        for (int i = 0; i < CHAINS; i++) {
            const int64_t place = kept.at[first + (i < there ? i : 0)].place;
            row[i] = rows + place * width;
            sum[i] = base ? base[place] : 0.0;
        }
        for (int64_t i = 0; i < CHAINS && first + CHAINS + i < size; i++) {
            const float* next = rows + kept.at[first + CHAINS + i].place * width;
            for (int64_t k = 0; k < width; k += 16) __builtin_prefetch(next + k);
        }
        for (int64_t k = 0; k < width; k++)
            for (int i = 0; i < CHAINS; i++) {
                sum[i] += static_cast<double>(row[i][k]) * static_cast<double>(own[k]);
                asm volatile("" : "+x"(sum[i])); // in this order and no other: numpy's has to be the same to a bit
            }
        for (int64_t i = 0; i < there; i++) found.at[first + i] = {sum[i], kept.at[first + i].place};
    }
    const int64_t answered = size < count ? size : count;
    if (answered < size) std::nth_element(found.at, found.at + answered, found.at + size);
    std::sort(found.at, found.at + answered);
    for (int64_t i = 0; i < answered; i++) places[i] = found.at[i].place;
    return answered;
}
